package corolla_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// As TestSignalCancelsTheMainTask, with the signals of the system; each Run listens anew.
func TestSystemsSignalCancelsTheMainTask(t *testing.T) { // asyncio rule 50
	l, err := corolla.New(corolla.SlowLimit(0), corolla.CancelOnSignal(os.Interrupt))
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	for range 2 {
		var tr trace
		err := l.Run(func(task *corolla.Task) error {
			defer tr.add("cleaned up")
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				return err
			}
			err := forever(task)
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("the main task waits: %v", err)
			}
			tr.add("canceled")
			if e := task.Shielded(func(*corolla.Scope) error { return task.Sleep(ms) }); e != nil {
				t.Errorf("cleanup: %v", e)
			}
			return err
		})
		var sig *corolla.SignalError
		if !errors.As(err, &sig) || sig.Signal != os.Interrupt || !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Run = %v", err)
		}
		tr.want(t, "canceled cleaned up")
	}
	run(t, l, func(task *corolla.Task) error { return task.Sleep(ms) }) // without a signal, nothing of the former
}
