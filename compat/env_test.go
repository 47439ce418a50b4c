package compat_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// env is what the test of a row has. It runs as a green thread.
//
// Whether a call can be made in a green thread is shown by an answer for which the server waits until
// another green thread has run: a call that held the loop would never have it, and the test would not
// end. Whether a library calls from goroutines of its own is shown by what a green connection says to
// those.
type env struct {
	*testing.T
	*green.Hub
	*servers
	row   *green.Thread[struct{}]
	leave []net.Conn // that strangers could not close
}

// Run is the hub's, and not the test's.
func (e *env) Run(main func() error) error { return e.Hub.Run(main) }

func onHub(t *testing.T, s *servers, main func(e *env) error) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) {
		t.Errorf("reached the error handler: %v", err)
	}))
	leaktest.NeedLoop(t, err)
	e := &env{T: t, Hub: green.NewHub(l), servers: s}
	if err := e.Run(func() error {
		e.row = e.Go(func() error { return main(e) })
		if err := e.row.Join(); err != nil {
			return err
		}
		for _, c := range e.leave {
			_ = c.Close() // unless it is closed
		}
		for l.Stats().Sockets > 0 { // what was closed may still send
			e.Sleep(time.Millisecond)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
}

// behind calls f in another thread, which runs when this one waits and not before. An error of f ends the
// test.
func (e *env) behind(f func() error) {
	e.Go(func() error {
		if err := f(); err != nil {
			e.row.Kill(fmt.Errorf("behind: %w", err))
		}
		return nil
	})
}

// opens returns what closes a channel, for behind.
func opens(ch chan struct{}) func() error { return func() error { close(ch); return nil } }

// next returns a channel that is closed behind.
func (e *env) next() <-chan struct{} {
	ch := make(chan struct{})
	e.behind(opens(ch))
	return ch
}

// elsewhere calls f on a goroutine of its own, while other threads run.
func (e *env) elsewhere(f func() error) error {
	_, err := green.Offload(e.Hub, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// side calls f on a goroutine of its own. An error of f ends the test, and what is returned waits for f.
func (e *env) side(f func() error) (wait func()) {
	th := e.Go(func() error {
		if err := e.elsewhere(f); err != nil {
			e.row.Kill(fmt.Errorf("on the other side: %w", err))
		}
		return nil
	})
	return func() { _ = th.Join() }
}

// holds fails the test unless call keeps all other threads from running.
func (e *env) holds(call func() error) {
	e.Helper()
	ran := false
	th := e.Go(func() error { ran = true; return nil })
	if err := call(); err != nil {
		e.Error(err)
	}
	if ran {
		e.Error("other threads ran during the call: it can be made in a green thread")
	}
	if err := th.Join(); err != nil {
		e.Error(err)
	}
}

// starts fails the test unless a goroutine lives that a function of a library has started.
func (e *env) starts(creator string) {
	e.Helper()
	if n := startedBy(creator); n == 0 {
		e.Errorf("no goroutine was started by %s", creator)
	}
}

func startedBy(creator string) int {
	buf := make([]byte, 4<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "\ncreated by "+creator)
}

// face tests a client that starts goroutines. With green connections those are refused; with the face
// that any goroutine may use, call returns once step has been taken in a green thread.
func (e *env) face(call func(dial dialer) error, step func() error) error {
	e.Helper()
	s := newStrangers(e)
	th := e.Go(func() error { return call(s.dial) })
	s.wantRefused()
	if err := th.Join(); err == nil {
		e.Error("the call succeeded on a green connection")
	}
	return e.elsewhereWith(func() error { return call(outside(e.Loop())) }, step)
}

// elsewhereWith calls call on a goroutine, and then step in a green thread.
func (e *env) elsewhereWith(call, step func() error) error {
	th := e.Go(func() error { return e.elsewhere(call) })
	e.Sleep(0)
	if err := step(); err != nil {
		return fmt.Errorf("step: %w", err)
	}
	return th.Join()
}

// strangers hears what green connections say to goroutines that do not run their loop. It would end
// the program, as nobody can recover what panics on another's goroutine.
type strangers struct {
	*env
	said chan string
}

func newStrangers(e *env) *strangers { return &strangers{e, make(chan string, 1)} }

// wantRefused waits for what is said, and fails the test unless it says what is wrong.
func (s *strangers) wantRefused() {
	s.Helper()
	said, err := green.Offload(s.Hub, func() (string, error) { return <-s.said, nil })
	if want := "called from a goroutine that does not run the loop"; !strings.Contains(said, want) || err != nil {
		s.Errorf("a green connection said %q, %v; want %q", said, err, want)
	}
}

func (s *strangers) hear(err *error) {
	if text, ok := recover().(string); ok {
		select {
		case s.said <- text:
		default: // some was said before
		}
		*err = fmt.Errorf("panic: %s", text)
	}
}

func (s *strangers) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	defer s.hear(&err)
	if c, err = s.DialContext(ctx, network, address); err != nil {
		return nil, err
	}
	s.leave = append(s.leave, c)
	return overheard{c, s}, nil
}

func (s *strangers) listen(ln net.Listener) net.Listener { return overheardListener{ln, s} }

type overheardListener struct {
	net.Listener
	s *strangers
}

func (ln overheardListener) Accept() (net.Conn, error) {
	c, err := ln.Listener.Accept()
	if err != nil {
		return nil, err
	}
	ln.s.leave = append(ln.s.leave, c)
	return overheard{c, ln.s}, nil
}

type overheard struct {
	net.Conn
	s *strangers
}

func (c overheard) Read(b []byte) (n int, err error) {
	defer c.s.hear(&err)
	return c.Conn.Read(b)
}

func (c overheard) Write(b []byte) (n int, err error) {
	defer c.s.hear(&err)
	return c.Conn.Write(b)
}

// LocalAddr returns an address, whoever asks: there is no error to return.
func (c overheard) LocalAddr() (a net.Addr) {
	var err error
	a = new(net.TCPAddr)
	defer c.s.hear(&err)
	return c.Conn.LocalAddr()
}

// RemoteAddr is as LocalAddr.
func (c overheard) RemoteAddr() (a net.Addr) {
	var err error
	a = new(net.TCPAddr)
	defer c.s.hear(&err)
	return c.Conn.RemoteAddr()
}

func (c overheard) Close() (err error) {
	defer c.s.hear(&err)
	return c.Conn.Close()
}

func (c overheard) SetDeadline(t time.Time) (err error) {
	defer c.s.hear(&err)
	return c.Conn.SetDeadline(t)
}

func (c overheard) SetReadDeadline(t time.Time) (err error) {
	defer c.s.hear(&err)
	return c.Conn.SetReadDeadline(t)
}

func (c overheard) SetWriteDeadline(t time.Time) (err error) {
	defer c.s.hear(&err)
	return c.Conn.SetWriteDeadline(t)
}
