// Package backdoor is a console for looking into a program while it runs: its tasks and green
// threads, where they are and what they wait for, its timers, sockets and jobs, and how long a turn
// of its loop takes. It can also kill a task.
//
//	door, err := backdoor.Listen(l, "unix", "/run/app/door.sock")
//
// A program has none unless it opens one. The protocol is lines of text, for "corolla attach", nc
// and telnet:
//
//	$ corolla attach /run/app/door.sock
//	> tasks
//	TASK  NAME  FUNCTION         FOR                                        STATE
//	1     main  main.serve       -                                          reading a socket, 3.2s
//	2     -     main.chat.func1  tcp 127.0.0.1:7007 -> 127.0.0.1:51234      a sleep, 1.01s
//
// The commands are help, tasks, task, stack, timers, sockets, jobs, loop, kill and quit. With
// --json after it a command is answered by one JSON object on one line; any other answer ends with
// an empty line. Lists are limited to 20 rows, or 10,000 in JSON. A word after tasks, timers or
// sockets lists only the rows that contain it.
//
// Anyone who can reach a backdoor controls the program, so it can be opened only on a Unix socket,
// where the permissions of the path and its directory decide who may connect, or on a loopback
// port, which every user of the machine can reach.
//
// The console runs on the loop, as everything does: what it shows is from one moment, and a loop
// that is stuck does not answer. A list holds up the loop for a microsecond or two for each task,
// timer or socket there is, listed or not. A peer that does not read its answers costs one answer,
// and is dropped after 30 seconds; there are at most 16 consoles at a time.
//
// It is Eventlet's backdoor without its interpreter, which Go does not have.
package backdoor

import (
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// ErrKilled is the reason for which a task killed from a console is canceled.
var ErrKilled = errors.New("backdoor: killed from a console")

// ErrAddress is returned for an address that can be reached from outside this machine.
var ErrAddress = errors.New("neither a loopback address nor a Unix socket; anyone who can reach a backdoor controls the program")

// Door is an open backdoor.
type Door struct {
	ln      *aio.Listener
	serving *corolla.Future[struct{}]
}

// Listen opens a backdoor on "unix", or on "tcp", "tcp4" or "tcp6" with a loopback address or
// "localhost", and serves it in a task of the loop, until Close or the end of the loop's Run. For
// any other address it does not listen, and returns an error that wraps ErrAddress.
func Listen(l *corolla.Loop, network, address string) (*Door, error) {
	l.Check("backdoor.Listen")
	if !near(network, address) {
		return nil, fmt.Errorf("backdoor: listen %s: %w", address, ErrAddress)
	}
	ln, err := aio.Listen(l, network, address)
	if err != nil {
		return nil, fmt.Errorf("backdoor: %w", err)
	}
	d := &Door{ln: ln}
	d.serving = l.Go(func(t *corolla.Task) error { return Serve(t, ln) }, corolla.Name("backdoor"))
	d.serving.OnDone(func(f *corolla.Future[struct{}]) {
		_, err := f.Result()
		if err != nil && !corolla.IsOnly(err, corolla.ErrCanceled, corolla.ErrLoopClosed, net.ErrClosed) {
			l.Report(err)
		}
	})
	return d, nil
}

// Addr returns the listener's address, even after Close.
func (d *Door) Addr() net.Addr { return d.ln.Addr() }

// Close ends the backdoor and its consoles. A second Close returns net.ErrClosed.
func (d *Door) Close() error {
	err := d.ln.Close()
	d.serving.Cancel(nil)
	return err
}

// Serve serves consoles on a listener, which it owns from then on, until t is canceled or accepting
// fails. It returns the reason. If the listener's address is neither a loopback address nor a Unix
// socket's, it returns at once, with an error that wraps ErrAddress.
func Serve(t *corolla.Task, ln *aio.Listener) error {
	if addr := ln.Addr(); !local(addr) {
		return errors.Join(fmt.Errorf("backdoor: serve %v: %w", addr, ErrAddress), ln.Close())
	}
	b := &board{loop: t.Loop(), numbers: map[*corolla.Task]int{}, tasks: map[int]*corolla.Task{}}
	err := aio.NewServer(ln, b.console, aio.MaxConns(maxConsoles), aio.Refuse(func(net.Addr) []byte {
		return fmt.Appendf(nil, "error: %d consoles are open, which is the limit\n\n", maxConsoles)
	})).Serve(t)
	return fmt.Errorf("backdoor: %w", err)
}

// near reports whether an address is the machine's own, before anything listens there.
func near(network, address string) bool {
	switch network {
	case "unix":
		return true
	case "tcp", "tcp4", "tcp6":
		host, _, err := net.SplitHostPort(address)
		return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
	}
	return false
}

// local is near for the address that a listener ended up with.
func local(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return false
}
