package aio_test

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// A network that is of the other kind is refused, not taken for its namesake.
func TestNetworksOfTheWrongKind(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		for name, open := range map[string]func() error{
			"Listen":       func() error { _, err := aio.Listen(l, "udp", "127.0.0.1:0"); return err },
			"Dial":         func() error { _, err := aio.Dial(task, "udp", "127.0.0.1:9"); return err },
			"ListenPacket": func() error { _, err := aio.ListenPacket(l, "tcp", "127.0.0.1:0"); return err },
			"DialPacket":   func() error { _, err := aio.DialPacket(task, "tcp", "127.0.0.1:9"); return err },
			"unixgram":     func() error { _, err := aio.Listen(l, "unixgram", t.TempDir()+"/s"); return err },
		} {
			var unknown net.UnknownNetworkError
			if err := open(); !errors.As(err, &unknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What ends a connection is no news; what a handler meets elsewhere is.
func TestServeReportsWhatIsNotTheConnectionsEnd(t *testing.T) {
	for _, c := range []struct {
		err      error
		reported bool
	}{
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		{io.ErrUnexpectedEOF, false},
		{&net.OpError{Op: "handshake", Err: x509.UnknownAuthorityError{}}, true},
		{errors.New("of its own"), true},
	} {
		var reported []error
		l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { reported = append(reported, err) }))
		if err := l.Run(func(task *corolla.Task) error {
			ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			srv := aio.NewServer(ln, func(*corolla.Task, *aio.Conn) error { return c.err })
			l.Go(srv.Serve)
			client, err := aio.Dial(task, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			if _, err := client.Read(task, make([]byte, 1)); err != io.EOF {
				t.Errorf("Read: %v", err)
			}
			_, err = srv.Shutdown(task)
			return errors.Join(err, client.Close())
		}); err != nil {
			t.Error(err)
		}
		leaktest.Close(t, l)
		if (len(reported) == 1 && errors.Is(reported[0], c.err)) != c.reported {
			t.Errorf("%v: reported %v", c.err, reported)
		}
	}
}

// Ordinary code prints addresses without asking whether there are any.
func TestBoundAddressesAreNeverNil(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		face := a.Bind(task)
		here, there := face.LocalAddr().String(), face.RemoteAddr().String()
		_ = b.Abort()
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Read: %v", err)
		}
		for range 2 { // while it is open, and closed
			if face.LocalAddr().String() != here || face.RemoteAddr().String() != there {
				t.Errorf("addresses: %v, %v, want %s, %s", face.LocalAddr(), face.RemoteAddr(), here, there)
			}
			_ = a.Abort()
		}
	})
}
