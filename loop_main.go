package corolla

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
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
	Exit(runMain(main, opts))
}

// Exit ends the process with the status that Main gives an error, and prints what Main prints. It is for
// programs that run their loops themselves, with CancelOnSignal.
func Exit(err error) { os.Exit(exitStatus(err)) }

// mainGrace is how long tasks have to end after Main's own.
var mainGrace = 5 * time.Second

func runMain(main func(t *Task) error, opts []Option) error {
	l, err := New(append([]Option{CancelOnSignal(os.Interrupt, syscall.SIGTERM)}, opts...)...)
	if err != nil {
		return err
	}
	return RunOnce(l, nil, func(t *Task) error {
		defer func() { l.After(mainGrace, l.Stop) }() // if a task does not end, Close ends it
		return main(t)
	})
}

// RunOnce runs mains on a loop, one after the other, each as Run does and until one fails, and closes the
// loop, even if Run panics. Before it closes the loop it calls after, if that is not nil, with the error;
// after a panic, which goes on when the loop is closed, that is a *PanicError, and after runtime.Goexit it
// is ErrGoexit. It returns the errors of Run and of Close.
//
// On a simulated machine nothing else happens between one of these and the next, so a program that ends
// does so at one moment.
func RunOnce(l *Loop, after func(error), mains ...func(t *Task) error) (err error) {
	if l.state == idle {
		l.once = true
	}
	result := ErrGoexit
	defer func() {
		v := recover()
		if v != nil {
			result = panicOf(v)
		}
		if after != nil {
			after(result)
		}
		err = join(result, l.Close())
		if v != nil {
			panic(v)
		}
	}()
	for _, main := range mains {
		if err := l.Run(main); err != nil {
			result = err
			return nil
		}
	}
	result = nil
	return nil
}

// panicOf makes an error of what came out of Run.
func panicOf(v any) error {
	if p, ok := v.(*PanicError); ok {
		return p
	}
	return &PanicError{Value: v, Stack: debug.Stack(), Where: "a loop"}
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
