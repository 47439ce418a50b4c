//go:build unix

package talk

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/corolla-go/corolla/gen"
)

// wait is what a generator yields: the descriptor that it wants to write to, or idle if
// it waits for nothing but a moment in which nobody else has anything to do.
type wait struct {
	fd   int
	idle bool
}

type (
	yield     = gen.Yield[wait, struct{}]
	generator = gen.Generator[wait, struct{}, int]
)

// generators runs a sender and a counter in a scheduler of a few lines.
func generators(j *Job) error {
	fd, err := dialNonblocking(j.Addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	defer j.Observe(fd)()
	return schedule(
		&task{g: gen.New(func(y *yield) (int, error) { return sending(y, j, fd) }), wait: wait{fd: fd}},
		&task{g: gen.New(func(y *yield) (int, error) { return counting(y, j) }), wait: wait{idle: true}})
}

type task struct {
	g    *generator
	wait wait
}

// schedule resumes each task whose descriptor is ready, and the idle ones when none is,
// until only idle ones are left.
func schedule(tasks ...*task) error {
	for {
		resumed, working := false, false
		for _, t := range tasks {
			if t.wait.idle {
				continue
			}
			working = true
			ready, err := waitWritable(t.wait.fd, true)
			if err == nil && ready {
				resumed = true
				t.wait, err = t.g.Next()
			}
			if err == gen.ErrStop {
				t.wait.idle = true
			} else if err != nil {
				return fmt.Errorf("generator: %w", err)
			}
		}
		for _, t := range tasks {
			if !working {
				t.g.Close()
			} else if t.wait.idle && !resumed {
				t.g.Next()
			}
		}
		if !working {
			return nil
		}
	}
}

func sending(y *yield, j *Job, fd int) (sent int, err error) {
	for sent < len(j.Data) {
		// Delegation: what write yields goes to the scheduler.
		n, err := gen.From(y, gen.New(func(y *yield) (int, error) { return write(y, fd, j.Data[sent:]) }))
		if err != nil {
			return sent, err
		}
		sent += n
		j.Moved(sent)
	}
	return sent, nil
}

func write(y *yield, fd int, b []byte) (int, error) {
	for {
		n, err := unix.Write(fd, b)
		if err != unix.EAGAIN {
			return n, err
		}
		if _, err := y.Yield(wait{fd: fd}); err != nil {
			return 0, err
		}
	}
}

func counting(y *yield, j *Job) (int, error) {
	for {
		j.Slice()
		if _, err := y.Yield(wait{idle: true}); err != nil {
			return 0, err
		}
	}
}
