package sim

import (
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
)

// Program is a program that a host runs.
type Program struct {
	host *Host
	main func(f *life) error
	once bool  // it does not start again
	life *life // the newest
}

// life is a program from its start to its end, or to the host's crash. It takes part in the World as
// a goroutine: while none of its loops runs, it is about to run one or to end.
type life struct {
	place
	program *Program
	live    int  // loops that are running; guarded by mu
	over    bool // crashed
	done    bool
	err     error
}

func (f *life) ready() bool { return true }

func (f *life) due() time.Duration { return -1 }

// Start makes a program one of those that the host runs: from now on, and again after each Restart.
// Its main task runs on a new loop, made with opts, as in Loop.Run and Loop.Close.
func (h *Host) Start(program func(t *corolla.Task) error, opts ...corolla.Option) *Program {
	return h.add(h.onLoop(program, opts))
}

// onLoop makes a program of the main task of a loop.
func (h *Host) onLoop(program func(t *corolla.Task) error, opts []corolla.Option) *Program {
	return &Program{main: func(f *life) (err error) {
		opts := slices.Concat([]corolla.Option{corolla.ErrorHandler(f.report)}, opts, []corolla.Option{h.option(f)})
		l, err := corolla.New(opts...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }() // even after a runtime.Goexit
		return l.Run(program)
	}}
}

// report is the error handler of loops that the World runs, unless their options have another. What a
// crash leaves behind is not worth a word, and neither is a panic of which an observer has been told.
func (f *life) report(err error) {
	if f.over {
		return
	}
	w, stack := f.program.host.world, ""
	if p := (*corolla.PanicError)(nil); errors.As(err, &p) {
		stack = "\n" + string(p.Stack)
	}
	if !panicked(w, err) || !w.tells(Broken) {
		log.Printf("sim: %s: %v%s", f.program.host.name, err, stack)
	}
}

// Boot is Start for a program that makes its own loops and runs them on goroutines of its own. It must
// give every loop the option, and make all that it starts with before it runs the first. It ends when
// main returns; while none of its loops runs the World waits for that, and stands still.
func (h *Host) Boot(main func(on corolla.Option) error) *Program {
	return h.add(&Program{main: func(f *life) error { return main(h.option(f)) }})
}

// Run starts a program, which does not start again after a crash, and drives the World until it has
// ended. It returns the program's error; see World.RunUntil for the others.
func (h *Host) Run(program func(t *corolla.Task) error, opts ...corolla.Option) error {
	p := h.onLoop(program, opts)
	p.once = true
	h.add(p)
	if err := h.world.drive(p.Done, -1); err != nil {
		return err
	}
	return p.Err()
}

func (h *Host) add(p *Program) *Program {
	p.host = h
	h.programs = append(h.programs, p)
	if !h.down {
		h.boot(p)
	}
	return p
}

// boot schedules the start of a program.
func (h *Host) boot(p *Program) {
	w := h.world
	f := &life{program: p}
	f.id = h.number()
	p.life = f
	h.lives++
	w.at(w.now, func() {
		if f.over {
			h.ended(f)
			return
		}
		w.emit(Event{Host: h.name, Kind: Started})
		w.mu.Lock()
		w.missing++
		w.mu.Unlock()
		w.booted = true
		launch(f.run)
	})
}

// run is the goroutine of a program.
func (f *life) run() {
	h := f.program.host
	defer func() {
		w := h.world
		w.mu.Lock()
		if f.live == 0 {
			w.missing--
		}
		w.enter(f)
		h.ended(f)
		w.leave(f)
	}()
	f.err = corolla.ErrGoexit
	f.err = f.program.main(f)
}

// ended takes note of the end of a program.
func (h *Host) ended(f *life) {
	h.lives--
	f.done = true
	if f.over {
		f.err = ErrCrashed
		return
	}
	if h.world.observed() {
		h.world.emit(Event{Host: h.name, Kind: Ended, Text: fmt.Sprint(f.err)})
	}
}

// entered notes that a loop of the program takes part; the caller holds mu.
func (f *life) entered(w *World) {
	if f == nil {
		return
	}
	if f.live++; f.live == 1 {
		w.missing--
	}
}

// left notes that a loop of the program no longer takes part; the caller holds mu.
func (f *life) left(w *World) {
	if f == nil {
		return
	}
	if f.live--; f.live == 0 {
		w.missing++
	}
}

// Done reports whether the program has returned, or has ended with its host. After a restart it
// speaks of the new start.
func (p *Program) Done() bool { return p.life != nil && (p.life.done || p.life.over) }

// Err returns what the program has returned: nil while it runs, ErrCrashed if it has ended with its
// host.
func (p *Program) Err() error {
	switch {
	case !p.Done():
		return nil
	case p.life.over:
		return ErrCrashed
	}
	return p.life.err
}
