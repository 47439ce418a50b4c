package sim_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func TestNamesAreResolved(t *testing.T) {
	w := sim.New(1, sim.Name("db.example", "10.0.0.1"))
	l := w.NewLoop()
	defer l.Close()
	if err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "10.0.0.1:5432")
		if err != nil {
			return err
		}
		defer ln.Close()
		c, err := aio.Dial(t, "tcp", "db.example:5432")
		if err != nil {
			return err
		}
		return c.Close()
	}); err != nil {
		t.Fatal(err)
	}
}

// TestBacklog: a listener that accepts nobody refuses those for whom there is no room.
func TestBacklog(t *testing.T) {
	for _, c := range []struct {
		opts []corolla.SocketOption
		room int
	}{{[]corolla.SocketOption{corolla.Backlog(1)}, 1}, {[]corolla.SocketOption{corolla.Backlog(3)}, 3}, {nil, 4096}} {
		l := sim.New(1).NewLoop()
		if err := l.Run(func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0", c.opts...)
			if err != nil {
				return err
			}
			dial := func() error {
				_, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
				return err
			}
			for i := range c.room {
				if err := dial(); err != nil {
					t.Fatalf("connection %d of %d: %v", i+1, c.room, err)
				}
			}
			if err := dial(); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("one more than %d: %v", c.room, err)
			}
			if _, err := ln.TryAccept(); err != nil {
				return err
			}
			if err := dial(); err != nil {
				t.Errorf("with room again: %v", err)
			}
			return ln.Close()
		}); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// There are some sixteen thousand ports for those who do not ask for one; a program may open more
// connections than that, one after another.
func TestPortsDoNotRunOut(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		for range 20_000 {
			s, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
			if err != nil {
				return err
			}
			if port := s.LocalAddr().(*net.TCPAddr).Port; port < 49152 || port > 65535 || s.LocalAddr().String() == ln.LocalAddr().String() {
				t.Fatalf("connected from %v to %v", s.LocalAddr(), ln.LocalAddr())
			}
			if err := s.Close(); err != nil {
				return err
			}
			c, err := ln.TryAccept()
			if err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		return ln.Close()
	}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil || w.Open() != 0 {
		t.Errorf("Close: %v; %d descriptors are open", err, w.Open())
	}
}
