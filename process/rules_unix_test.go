//go:build unix

package process_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
)

// Rule 32 of Twisted's: status 0 is an end without an error; any other, and a signal, is an *ExitError that
// tells the two apart; and who then sends a signal is told that there is nobody. Only a real machine has
// processes.
func TestRule32HowProcessesEnd(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		code   int // -1 is a signal
		signal os.Signal
	}{
		"status 0":               {"exit 0", 0, nil},
		"status 1":               {"exit 1", 1, nil},
		"a status like a signal": {"exit 143", 143, nil},
		"SIGTERM":                {"kill -TERM $$", -1, syscall.SIGTERM},
		"SIGKILL":                {"kill -KILL $$", -1, syscall.SIGKILL},
	} {
		check := func(t *testing.T, style string, err error, signal func(os.Signal) error) {
			t.Helper()
			exit := (*process.ExitError)(nil)
			switch ended := errors.As(err, &exit); {
			case c.code == 0 && err != nil, c.code != 0 && !ended:
				t.Errorf("%s: it ends with %v", style, err)
			case ended:
				if sig, ok := exit.Signal(); exit.Code() != c.code || ok != (c.code < 0) || sig != c.signal {
					t.Errorf("%s: status %d, signal %v", style, exit.Code(), sig)
				}
			}
			for _, sig := range []os.Signal{syscall.SIGTERM, os.Kill} {
				if err := signal(sig); !errors.Is(err, os.ErrProcessDone) {
					t.Errorf("%s: %v when it has ended: %v", style, sig, err)
				}
			}
		}
		t.Run(name, func(t *testing.T) {
			onLoop(t, func(t *testing.T, task *corolla.Task) {
				p, err := process.Start(task, sh(c.script))
				if err != nil {
					t.Fatal(err)
				}
				check(t, "task", p.Wait(task), p.Signal)
				e := &ender{}
				spawned, err := process.Spawn(task.Loop(), sh(c.script), e).Await(task)
				if err != nil {
					t.Fatal(err)
				}
				if err := e.closed.Wait(task); err != nil {
					t.Fatal(err)
				}
				check(t, "protocol", e.err, spawned.Signal)
			})
		})
	}
}

// ender is a protocol that is interested in the end alone.
type ender struct {
	err    error
	closed corolla.Event
}

func (*ender) Started(*process.Transport)             {}
func (*ender) Output(*process.Transport, int, []byte) {}
func (e *ender) Exited(_ *process.Transport, err error) {
	e.err = err
}
func (e *ender) Closed(*process.Transport) { e.closed.Set() }
