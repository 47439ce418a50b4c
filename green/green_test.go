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

func TestOutsideOfAGreenThread(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "Sleep outside of a green thread") {
			t.Errorf("panicked with %q", text)
		}
	}()
	_ = h.Sleep(1)
}

func TestConnIsANetConn(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	err := h.Run(func() error {
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		server := h.Go(func() {
			c, err := ln.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if _, err := io.Copy(c, c); err != nil {
				t.Error(err)
			}
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
		if err := c.SetReadDeadline(l.Time().Add(time.Second)); err != nil {
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
		return server.Wait()
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPanicEndsTheThreadOnly(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	if err := h.Run(func() error {
		th := h.Go(func() { panic("oops") })
		for range 2 { // any number of times
			var p *corolla.PanicError
			if err := th.Wait(); !errors.As(err, &p) || p.Value != "oops" {
				t.Errorf("Wait = %v", err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func speak() {}

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
		return th.Wait()
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
