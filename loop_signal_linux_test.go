package corolla_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// TestSecondInterruptEndsTheProgram interrupts itself, as another process, twice.
func TestSecondInterruptEndsTheProgram(t *testing.T) {
	if os.Getenv("COROLLA_TEST_INTERRUPT") != "" {
		stubborn(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestSecondInterruptEndsTheProgram$")
	cmd.Env = append(os.Environ(), "COROLLA_TEST_INTERRUPT=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for _, want := range []string{"running", "cleaning up"} {
		if !said.Scan() || said.Text() != want {
			t.Fatalf("it said %q, want %q; %v", said.Text(), want, said.Err())
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("it ended with %v", err)
	}
}

// stubborn never ends by itself, even when it is canceled.
func stubborn(t *testing.T) {
	l, err := corolla.New(corolla.CancelOnSignal(os.Interrupt))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Run(func(task *corolla.Task) error {
		fmt.Println("running")
		err := forever(task)
		fmt.Println("cleaning up")
		return errors.Join(err, task.Shielded(func(*corolla.Scope) error { return forever(task) }))
	})
}
