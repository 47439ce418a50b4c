package corolla

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A loop that hangs cannot report it: neither when a callback never returns, nor when a task waits for
// a mutex that another task of the same loop holds. So a goroutine of the host watches the loop, and
// sleeps while the loop does. A stall is reported twice: to the StallHandler while it lasts, with the
// stack, and to the ErrorHandler when it is over, with how long it took.
//
// All that the loop publishes for this is the entry being run, in a plain variable: an atomic store for
// each callback was rejected, as it costs as much as the clock reading that it would save. The reader
// checks afterwards that the loop has not moved on, and only then uses what it read.
//
// Also rejected: asking the loop to describe what it runs, which a hung loop cannot answer; and pprof
// labels on its goroutines, which a task's own would replace and goroutines started by it would inherit.

// stall is a report, kept until the stall is over.
type stall struct {
	turn uint64
	*SlowError
}

// guard has the host watch the run that is beginning.
func (l *Loop) guard() {
	l.unguard = func() {}
	if l.opt.slow <= 0 {
		return
	}
	number := goroutineNumber()
	l.unguard = l.host.Guard(l.opt.slow, func(held time.Duration, still func() bool) {
		l.stalled(number, held, still)
	})
}

// stalled reports what holds the loop. It runs on the host's goroutine; number is that of the
// goroutine that called Run.
func (l *Loop) stalled(number uintptr, held time.Duration, still func() bool) {
	what, turn := l.running()
	own, stack := stacks(number)
	if !still() {
		return // the loop has moved on, and what was read may be anything
	}
	err := &SlowError{Took: held, Limit: l.opt.slow, Where: culprit(what, own), Stack: stack, Lasting: true}
	l.stall.Store(&stall{turn, err})
	defer func() {
		if v := recover(); v != nil {
			defaults().handler(fmt.Errorf("the stall handler panicked: %v; it was given: %w", v, err))
		}
	}()
	l.opt.stalled(err)
}

// running reads what only the loop's goroutine writes, so what it returns may be torn.
//
//go:norace
func (l *Loop) running() (what runnable, turn uint64) { return l.runs.what, l.turns }

// slow reports the callback, or the stretch of a task, that has just ended.
func (l *Loop) slow(took time.Duration) {
	err := &SlowError{Took: took, Limit: l.opt.slow, Where: describe(l.runs)}
	if s := l.stall.Swap(nil); s != nil && s.turn == l.turns {
		err.Stack = s.Stack
		if c, ok := l.runs.what.(*readiness); ok && c.f == nil { // a one-shot callback, already forgotten
			err.Where = s.Where
		}
	}
	l.report(err)
}

// maxStacks is the number of goroutines up to which all stacks are taken. Go stops the world for that,
// for some 4 µs per goroutine, and has no way to take the stack of just one other goroutine.
const maxStacks = 10_000

// stacks returns the stack of a goroutine that runs a loop, and that of the innermost coroutine that
// it has resumed, if any: a task, a task resumed by a task, or a generator.
func stacks(number uintptr) (own, running []byte) {
	if n := runtime.NumGoroutine(); n > maxStacks {
		return nil, fmt.Appendf(nil, "(no stack: it would have stopped %d goroutines)\n", n)
	}
	all := make([]byte, 1<<20)
	for {
		n := runtime.Stack(all, true)
		if n < len(all) {
			all = all[:n]
			break
		}
		all = make([]byte, 2*len(all))
	}
	blocks := bytes.Split(all, []byte("\n\n"))
	own = block(blocks, func(b []byte) bool { return bytes.HasPrefix(b, fmt.Appendf(nil, "goroutine %d [", number)) })
	running = own
	for range maxNested {
		next := resumed(blocks, running)
		if next == nil {
			break
		}
		running = next
	}
	return own, append(running[:len(running):len(running)], '\n')
}

// maxNested is how deep tasks within tasks are followed.
const maxNested = 32

func block(blocks [][]byte, is func([]byte) bool) []byte {
	for _, b := range blocks {
		if is(b) {
			return b
		}
	}
	return nil
}

// resumed finds the goroutine that the one with the given stack waits for, if it waits for a coroutine.
// Stacks name a task by its address, which does not change.
func resumed(blocks [][]byte, of []byte) []byte {
	if !switched(of) {
		return nil
	}
	const runs = "\n" + module + ".(*Task).run(0x"
	if _, rest, ok := bytes.Cut(of, []byte(runs)); ok {
		address := rest[:bytes.IndexByte(rest, ')')]
		body := []byte("\n" + module + ".(*Task).body(0x" + string(bytes.TrimRight(address, "?")))
		return block(blocks, func(b []byte) bool { return bytes.Contains(b, body) })
	}
	var number uintptr // of a generator's consumer, which usually made it
	if _, err := fmt.Sscanf(string(of[:bytes.IndexByte(of, '[')]), "goroutine %d", &number); err != nil {
		return nil
	}
	made := fmt.Appendf(nil, "\ncreated by iter.Pull[...] in goroutine %d\n", number)
	return block(blocks, func(b []byte) bool { return !switched(b) && bytes.Contains(b, made) })
}

// switched reports whether a goroutine waits for a coroutine, or is one that waits to be resumed.
func switched(stack []byte) bool {
	first, _, _ := bytes.Cut(stack, []byte("\n"))
	return bytes.Contains(first, []byte(" [coroutine"))
}

const module = "github.com/corolla-go/corolla"

// culprit names what is running, for a report from another goroutine. It uses only what does not
// change meanwhile, and the stack of the goroutine that runs the loop.
func culprit(what runnable, own []byte) string {
	var kind, peer string
	switch w := what.(type) {
	case nil:
		return "the loop"
	case *Task:
		return w.title()
	case *Timer:
		kind = "timer "
	case *readiness:
		kind, peer = "I/O ", w.peer()
	}
	return kind + "callback" + called(own) + peer
}

// called finds the function that the loop called.
func called(own []byte) string {
	lines := strings.Split(string(own), "\n")
	for i := len(lines) - 1; i > 0; i-- {
		if !strings.HasPrefix(lines[i], module+".(*Loop).runSome(") {
			continue
		}
		for i -= 2; i > 0; i -= 2 {
			name := lines[i][:strings.LastIndexByte(lines[i], '(')]
			if method := strings.TrimPrefix(name, module+"."); !strings.HasSuffix(method, ".run") && !strings.HasSuffix(method, ".timeout") {
				return " " + name[strings.LastIndexByte(name, '/')+1:] + " (" + at(lines[i+1]) + ")"
			}
		}
	}
	return ""
}

// at shortens the file and line of a stack frame.
func at(line string) string {
	file, _, _ := strings.Cut(strings.TrimSpace(line), " +0x")
	return filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))
}

// peer names the connection's peer, if there is one.
//
//go:norace
func (c *readiness) peer() string {
	if peer := c.of.peer; peer.Known() {
		return " for " + peer.Addr().String()
	}
	return ""
}
