package green_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// eachHost runs main as a green thread of a real loop and of a simulated one.
func eachHost(t *testing.T, main func(t *testing.T, h *green.Hub) error) {
	t.Helper()
	for _, host := range []string{"real", "sim"} {
		t.Run(host, func(t *testing.T) {
			l := sim.New(1).NewLoop()
			if host == "real" {
				defer l.Close()
				real, err := corolla.New(corolla.SlowLimit(0))
				leaktest.NeedLoop(t, err)
				l = real
			}
			defer l.Close()
			h := green.NewHub(l)
			if err := h.Run(func() error { return main(t, h) }); err != nil {
				t.Error(err)
			}
		})
	}
}

// pair returns both ends of a connection.
func pair(t *testing.T, h *green.Hub) (client, server *green.Conn) {
	t.Helper()
	ln, err := h.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = h.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, accepted.(*green.Conn)
}

func TestDeadlines(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		client, server := pair(t, h)
		defer client.Close()
		defer server.Close()
		read := func() error { _, err := client.Read(make([]byte, 1)); return err }
		write := func() (err error) {
			for b := make([]byte, 1<<16); err == nil; { // until the peer, which does not read, is full
				_, err = client.Write(b)
			}
			return err
		}
		for _, c := range []struct {
			name string
			set  func(time.Time) error
			ends []func() error
		}{
			{"SetDeadline", client.SetDeadline, []func() error{read, write}},
			{"SetReadDeadline", client.SetReadDeadline, []func() error{read}},
			{"SetWriteDeadline", client.SetWriteDeadline, []func() error{write}},
		} {
			if err := c.set(h.Loop().Time().Add(5 * time.Millisecond)); err != nil {
				return err
			}
			for _, end := range c.ends {
				if err := end(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			if err := c.set(time.Time{}); err != nil {
				return err
			}
		}
		if _, err := server.Write([]byte("x")); err != nil {
			return err
		}
		return read() // no deadline is left
	})
}

// TestCloseWakesWhoWaits: a thread in Accept, one in Read.
func TestCloseWakesWhoWaits(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addr := ln.Addr().String()
		client, server := pair(t, h)
		defer server.Close()
		var accept, read error
		a := h.Go(func() error { _, accept = ln.Accept(); return nil })
		b := h.Go(func() error { _, read = client.Read(make([]byte, 1)); return nil })
		h.Sleep(0)
		if err := errors.Join(ln.Close(), client.Close()); err != nil {
			return err
		}
		if err := errors.Join(a.Join(), b.Join()); err != nil {
			return err
		}
		if !errors.Is(accept, net.ErrClosed) || !errors.Is(read, net.ErrClosed) {
			t.Errorf("Accept: %v; Read: %v", accept, read)
		}
		if _, err := h.Dial("tcp", addr); err == nil {
			t.Error("a connection to a listener that is closed")
		}
		return nil
	})
}

// TestAddresses: each side's own is the other's peer.
func TestAddresses(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		client, server := pair(t, h)
		a, b := client.LocalAddr().String(), client.RemoteAddr().String()
		if a == b || server.RemoteAddr().String() != a || server.LocalAddr().String() != b {
			t.Errorf("client %s to %s, server %v to %v", a, b, server.LocalAddr(), server.RemoteAddr())
		}
		if client.Socket() == nil || client.Socket() == server.Socket() {
			t.Error("not the sockets underneath")
		}
		return errors.Join(client.Close(), server.Close())
	})
}

// TestCopyBetweenConns: io.Copy from one to the other, and from one to something else.
func TestCopyBetweenConns(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		from, in := pair(t, h)
		out, to := pair(t, h)
		var n int64
		proxy := h.Go(func() (err error) {
			if n, err = io.Copy(out, in); err != nil {
				return err
			}
			return out.CloseWrite()
		})
		if _, err := io.WriteString(from, "hello"); err != nil {
			return err
		}
		if err := from.CloseWrite(); err != nil {
			return err
		}
		var text strings.Builder
		if m, err := io.Copy(&text, to); m != 5 || text.String() != "hello" || err != nil {
			t.Errorf("copied %d, %q, %v", m, text.String(), err)
		}
		if err := proxy.Join(); n != 5 || err != nil {
			t.Errorf("proxy: %d, %v", n, err)
		}
		return errors.Join(from.Close(), in.Close(), out.Close(), to.Close())
	})
}

// TestCopyAcrossLoopsPanics: a Conn belongs to its loop, also as the other end of a copy.
func TestCopyAcrossLoopsPanics(t *testing.T) {
	mine, other := sim.New(1).NewLoop(), sim.New(2).NewLoop()
	defer mine.Close()
	defer other.Close()
	h, foreign := green.NewHub(mine), green.NewHub(other)
	ln, err := foreign.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var far *green.Conn
	if err := foreign.Run(func() (err error) { far, err = foreign.Dial("tcp", ln.Addr().String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if err := h.Run(func() error {
		client, server := pair(t, h)
		if _, err := io.WriteString(client, "hello"); err != nil {
			return err
		}
		copied := h.Go(func() error { _, err := server.WriteTo(far); return err })
		var p *corolla.PanicError
		if err := copied.Join(); !errors.As(err, &p) || !strings.Contains(err.Error(), "Conn.Write outside of a green thread") {
			t.Errorf("WriteTo = %v", err)
		}
		return errors.Join(client.Close(), server.Close())
	}); err != nil {
		t.Error(err)
	}
}

// TestHubsOfOneLoopMeet: their threads can meet.
func TestHubsOfOneLoopMeet(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		client, server := pair(t, h)
		second := green.NewHub(h.Loop())
		th := second.Go(func() error {
			n, err := io.Copy(server, server) // an echo
			if n != 5 {
				t.Errorf("copied %d", n)
			}
			return err
		})
		if _, err := io.WriteString(client, "hello"); err != nil {
			return err
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(client, got); string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
		return errors.Join(client.CloseWrite(), th.Join(), client.Close(), server.Close())
	})
}

// TestRefusals: what cannot be listened at or dialed is an error, and no Conn.
func TestRefusals(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		ln, err := h.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addr := ln.Addr().String()
		if again, err := h.Listen("tcp", addr); err == nil || again != nil {
			t.Errorf("a second listener: %v, %v", again, err)
		}
		if err := ln.Close(); err != nil {
			return err
		}
		if c, err := h.Dial("tcp", addr); err == nil || c != nil {
			t.Errorf("Dial = %v, %v", c, err)
		}
		if c, err := ln.Accept(); err == nil || c != nil {
			t.Errorf("Accept = %v, %v", c, err)
		}
		return nil
	})
}

// TestDeadlineOfOneDirection leaves the other alone.
func TestDeadlineOfOneDirection(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		client, server := pair(t, h)
		past, b := h.Loop().Time().Add(-time.Second), make([]byte, 1)
		if err := client.SetReadDeadline(past); err != nil {
			return err
		}
		if _, err := client.Write(b); err != nil {
			t.Errorf("Write with a deadline for Read: %v", err)
		}
		if err := server.SetWriteDeadline(past); err != nil {
			return err
		}
		if _, err := server.Read(b); err != nil {
			t.Errorf("Read with a deadline for Write: %v", err)
		}
		return errors.Join(client.Close(), server.Close())
	})
}
