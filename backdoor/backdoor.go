// Package backdoor is a console for looking into a program while it runs: its tasks and green threads,
// where they are and what they wait for, its timers, sockets and jobs, and how long its loop takes for a
// turn. It can kill a task too.
//
//	door, err := backdoor.Listen(l, "unix", "/run/app/door.sock")
//
// There is none unless a program asks for it. It is lines of text, for "corolla attach", nc and telnet:
//
//	$ corolla attach /run/app/door.sock
//	> tasks
//	TASK  NAME  FUNCTION         FOR                                        STATE
//	1     main  main.serve       -                                          reading a socket, 3.2s
//	2     -     main.chat.func1  tcp 127.0.0.1:7007 -> 127.0.0.1:51234      a sleep, 1.01s
//
// The commands are help, tasks, task, stack, timers, sockets, jobs, loop, kill and quit. With --json
// behind it a command is answered by one JSON object in one line; any other answer ends with an empty
// line. Lists are cut: to 20 rows, and to 10,000 in JSON. A word behind tasks, timers or sockets lists
// only the rows that have it in them.
//
// Whoever reaches a backdoor commands the program, so it is only to be had on a Unix socket, where the
// permissions of the path and of its folder decide who may connect, or on a loopback port, which every
// user of the machine can reach.
//
// The console runs on the loop, as everything does: what it shows is of one moment, and a loop that is
// held up does not answer. A list holds the loop for a microsecond or two for each task, timer or socket
// there is, listed or not. A peer that reads none of its answers costs one answer, and is dropped after
// 30 seconds; there are at most 16 consoles at a time.
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

// ErrKilled is why a task is canceled that was killed from a console.
var ErrKilled = errors.New("backdoor: killed from a console")

// ErrAddress is returned for an address that others than this machine's users can reach.
var ErrAddress = errors.New("neither a loopback address nor a Unix socket; whoever reaches a backdoor commands the program")

// Door is a backdoor that is open.
type Door struct {
	ln      *aio.Listener
	serving *corolla.Future[struct{}]
}

// Listen opens a backdoor on "unix", or on "tcp", "tcp4" or "tcp6" with a loopback address or
// "localhost", and serves it in a task of the loop, until Close or the end of the loop's Run. The error
// wraps ErrAddress for any other address, at which it never listens.
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

// Addr returns the address that is listened at, also after Close.
func (d *Door) Addr() net.Addr { return d.ln.Addr() }

// Close ends the backdoor and its consoles. A second Close returns net.ErrClosed.
func (d *Door) Close() error {
	err := d.ln.Close()
	d.serving.Cancel(nil)
	return err
}

// Serve serves consoles on a listener, which it owns from then on, until t is canceled or accepting
// fails. It returns the reason: one that wraps ErrAddress, at once, if the listener's address is neither
// a loopback one nor that of a Unix socket.
func Serve(t *corolla.Task, ln *aio.Listener) error {
	if addr := ln.Addr(); !local(addr) {
		return errors.Join(fmt.Errorf("backdoor: serve %v: %w", addr, ErrAddress), ln.Close())
	}
	b := &board{loop: t.Loop(), numbers: map[*corolla.Task]int{}, tasks: map[int]*corolla.Task{}}
	err := aio.NewServer(ln, b.console, aio.MaxConns(maxConsoles), aio.Refuse(func(net.Addr) []byte {
		return fmt.Appendf(nil, "error: %d consoles are open, which is as many as there may be\n\n", maxConsoles)
	})).Serve(t)
	return fmt.Errorf("backdoor: %w", err)
}

// near reports whether an address is the machine's own, before anybody listens there.
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

// local is near of a listener, whatever it was called.
func local(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return false
}
