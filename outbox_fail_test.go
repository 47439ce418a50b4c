package corolla_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

// Who is told that sending has failed may ask the outbox to send, and is told nothing twice.
func TestOutboxThatIsFailingSendsNoMore(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		var failures []error
		var out corolla.Outbox
		out.Init(a, func(err error) {
			if failures = append(failures, err); len(failures) < 10 {
				out.TrySend()
			}
		})
		run(t, l, func(task *corolla.Task) error {
			if err := b.Reset(); err != nil {
				return err
			}
			if err := a.WaitReadable(task); err != nil { // the reset has come
				return err
			}
			out.Cork()
			if err := out.Write([]byte("hello")); err != nil {
				return err
			}
			out.Uncork()
			return nil
		})
		if len(failures) != 1 || !errors.Is(failures[0], syscall.ECONNRESET) || !errors.Is(out.Err(), syscall.ECONNRESET) {
			t.Errorf("told %v; Err is %v", failures, out.Err())
		}
		closeAll(t, a)
	})
}
