package corolla

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Main is a whole program: it runs main as the main task of a loop, and then ends the process. A
// first SIGINT or SIGTERM cancels main, as with CancelOnSignal, and a second one ends the process at
// once. Tasks that main leaves behind are canceled, and have 5 seconds to end before the loop is closed
// under them. For a program of parts that start and stop in order, main calls Run of a Tree of package
// service.
//
// The exit status is 0 if main returns nil, whatever happened before; 128 plus the signal's number,
// with nothing printed, if main's error is the signal's cancel and nothing else; 2 if main panics; and
// 1 for any other error. The panic or error is printed to standard error.
func Main(main func(t *Task) error, opts ...Option) {
	os.Exit(exitStatus(runMain(main, opts)))
}

// mainGrace is how long tasks have to end after Main's own.
var mainGrace = 5 * time.Second

func runMain(main func(t *Task) error, opts []Option) error {
	l, err := New(append([]Option{CancelOnSignal(os.Interrupt, syscall.SIGTERM)}, opts...)...)
	if err != nil {
		return err
	}
	err = l.Run(func(t *Task) error {
		defer func() { l.After(mainGrace, l.Stop) }() // if a task does not end, Close ends it
		return main(t)
	})
	return errors.Join(err, l.Close())
}

// exitStatus returns the exit status for an error, and prints it unless it is only a signal's cancel.
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
