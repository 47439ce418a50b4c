package green_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
)

// TestOutsideOfAGreenThread: what can wait says where it may be called.
func TestOutsideOfAGreenThread(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		client, server := pair(t, h)
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		th := h.Go(func() error { return nil })
		for name, call := range map[string]func(){
			"Hub.Sleep":       func() { h.Sleep(1) },
			"Hub.Dial":        func() { _, _ = h.Dial("tcp", "127.0.0.1:1") },
			"Conn.Read":       func() { _, _ = client.Read(make([]byte, 1)) },
			"Conn.Write":      func() { _, _ = client.Write(make([]byte, 1)) },
			"Conn.WriteTo":    func() { _, _ = client.WriteTo(server) },
			"Listener.Accept": func() { _, _ = ln.Accept() },
			"Thread.Wait":     func() { _ = th.Join() },
		} {
			said := corolla.NewFuture[string](h.Loop())
			h.Loop().Soon(func() {
				defer func() {
					text, _ := recover().(string)
					_ = said.Resolve(text)
				}()
				call()
			})
			if text, err := said.Await(h.Loop().Current()); !strings.HasPrefix(text, "green: "+name+" outside of a green thread") {
				t.Errorf("%s: panicked with %q, %v", name, text, err)
			}
		}
		return errors.Join(client.Close(), server.Close(), ln.Close(), th.Join())
	})
}

func TestConnIsANetConn(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		server := h.Go(func() error {
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = io.Copy(c, c)
			return err
		})
		c, err := h.Dial("tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c, "hello"); err != nil {
			return err
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
		if err := c.SetReadDeadline(h.Loop().Time().Add(5 * time.Millisecond)); err != nil {
			return err
		}
		if _, err := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline: %v", err)
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		if err := c.CloseWrite(); err != nil {
			return err
		}
		if _, err := c.Read(got); err != io.EOF {
			t.Errorf("Read at the end: %v", err)
		}
		return server.Join()
	})
}

func TestPanicEndsTheThreadOnly(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		th := h.Go(func() error { panic("oops") })
		for range 2 { // any number of times
			var p *corolla.PanicError
			if err := th.Join(); !errors.As(err, &p) || p.Value != "oops" {
				t.Errorf("Wait = %v", err)
			}
		}
		return nil
	})
}

// TestThreadsTakeTurns: a thread never runs within Go, and Sleep lets others run.
func TestThreadsTakeTurns(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		var said []string
		th := h.Go(func() error {
			said = append(said, "thread")
			h.Sleep(0)
			said = append(said, "thread again")
			return nil
		})
		said = append(said, "main")
		h.Sleep(0)
		said = append(said, "main again")
		begin := h.Loop().Now()
		if h.Sleep(2 * time.Millisecond); h.Loop().Now()-begin < 2*time.Millisecond {
			t.Errorf("slept for %v", h.Loop().Now()-begin)
		}
		if got := strings.Join(said, ", "); got != "main, thread, main again, thread again" {
			t.Errorf("order: %s", got)
		}
		return th.Join()
	})
}

func TestRunReturnsMainsError(t *testing.T) {
	bad := errors.New("bad")
	l := sim.New(1).NewLoop()
	defer l.Close()
	if err := green.NewHub(l).Run(func() error { return bad }); err != bad {
		t.Errorf("Run = %v", err)
	}
}

func speak() error { return nil }

// Lists and reports name the user's function, not the hub's.
func TestThreadsBearTheirFunctionsName(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	if err := h.Run(func() error {
		th := h.Go(speak)
		tasks := l.Tasks()
		if name := tasks[len(tasks)-1].String(); !strings.Contains(name, "green_test.speak") {
			t.Errorf("a thread is called %q", name)
		}
		return th.Join()
	}); err != nil {
		t.Error(err)
	}
}

// TryWrite needs no thread, and waits for nobody.
func TestTryWrite(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	if err := h.Run(func() error {
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		c, err := h.Dial("tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		peer, err := ln.Accept()
		if err != nil {
			return err
		}
		defer peer.Close()
		l.Soon(func() {
			if err := c.TryWrite([]byte("hello")); err != nil {
				t.Error(err)
			}
			for err = nil; err == nil; {
				err = c.TryWrite(make([]byte, 1000))
			}
			if err != corolla.ErrWouldBlock {
				t.Errorf("TryWrite to a peer that does not read: %v", err)
			}
		})
		got := make([]byte, 5)
		if _, err := io.ReadFull(peer, got); string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
