package corolla_test

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/corolla-go/corolla"
)

// What is open already, here a connection of Go's own, can be given to a loop.
func ExampleLoop_Adopt() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := l.Adopt(ln.(*net.TCPListener))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same address:", s.LocalAddr().String() == ln.Addr().String())
	ln.Close() // the loop's socket is a duplicate
	fmt.Println(s.Close())
	// Output:
	// the same address: true
	// <nil>
}

func ExampleLoop_Pipe() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	err = l.Run(func(t *corolla.Task) error {
		r, w, err := l.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		if _, err := w.TryWrite([]byte("through a pipe")); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := r.WaitReadable(t); err != nil {
			return err
		}
		n, err := r.TryRead(l.Scratch())
		fmt.Printf("%s\n", l.Scratch()[:n])
		return err
	})
	fmt.Println(err)
	// Output:
	// through a pipe
	// <nil>
}

// A task that waits for signals.
func ExampleLoop_Signals() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	err = l.Run(func(t *corolla.Task) error {
		hangups := l.Signals(syscall.SIGHUP)
		defer hangups.Stop()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			return err
		}
		sig, err := hangups.Wait(t)
		fmt.Println("reload, because of", sig)
		return err
	})
	fmt.Println(err)
	// Output:
	// reload, because of hangup
	// <nil>
}
