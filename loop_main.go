package corolla

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Main is a whole program: it runs main as the main task of a loop, and then ends the process. A
// first SIGINT or SIGTERM cancels main, as CancelOnSignal has it, and a second one ends the process.
//
// The exit status is 0 if main returns nil, whatever has happened; 128 and the signal's number, and
// nothing is printed, if it returns no more than that it was canceled by the signal; 2 if it panics,
// and 1 for any other error, which are printed to standard error.
func Main(main func(t *Task) error, opts ...Option) {
	os.Exit(exitStatus(runMain(main, opts)))
}

func runMain(main func(t *Task) error, opts []Option) error {
	l, err := New(append([]Option{CancelOnSignal(os.Interrupt, syscall.SIGTERM)}, opts...)...)
	if err != nil {
		return err
	}
	err = l.Run(main)
	return errors.Join(err, l.Close())
}

// exitStatus prints an error that needs it.
func exitStatus(err error) int {
	var sig *SignalError
	var p *PanicError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &sig) && IsOnly(err, ErrCanceled, context.Canceled):
		if n, ok := sig.Signal.(syscall.Signal); ok {
			return 128 + int(n)
		}
		return 1
	case errors.As(err, &p):
		fmt.Fprintf(os.Stderr, "%v\n%s", err, p.Stack)
		return 2
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
