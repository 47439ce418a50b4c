package aio_test

import (
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Peers that say nothing, or half of what they should, keep nobody from a handshake; nor does one
// that has ended, well or not.
func TestSilentPeersHoldUpNoHandshake(t *testing.T) {
	ca, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, addr := echoTLS(t, task.Loop(), &tls.Config{Certificates: []tls.Certificate{cert}}, corolla.MaxHandshakes(1))
		defer ln.Close()
		for _, says := range []string{"", "\x16", "\x16\x03\x01\x01\x00\x01", "plain text, and enough of it\r\n"} {
			silent, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			send(t, task, silent, says)
			if err := task.Timeout(corolla.DefaultHandshakeTimeout/2, func(*corolla.Scope) error {
				c, err := aio.DialTLS(task, "tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
				if err != nil {
					return err
				}
				defer c.Close()
				send(t, task, c, "x")
				_, err = c.ReadFull(task, make([]byte, 1))
				return err
			}); err != nil {
				t.Errorf("after one that has said %q: %v", says, err)
			}
		}
	})
}

func TestTimeOfHandshakes(t *testing.T) {
	_, cert := newCA(t)
	limit := corolla.HandshakeTimeout(10 * time.Millisecond)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, limit)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		plain, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		mute, err := aio.Listen(l, "tcp", "127.0.0.1:0") // accepts nothing
		if err != nil {
			t.Fatal(err)
		}
		defer mute.Close()
		for name, do := range map[string]func() error{
			"ListenTLS": func() error {
				c, peer := oneOf(t, task, ln)
				defer peer.Close()
				defer c.Close()
				_, err := c.Read(task, make([]byte, 1))
				return err
			},
			"DialTLS": func() error {
				_, err := aio.DialTLS(task, "tcp", mute.Addr().String(), nil, limit)
				return err
			},
			"ClientTLS": func() error {
				c, peer := oneOf(t, task, plain)
				defer peer.Close()
				defer c.Close()
				return c.ClientTLS(task, &tls.Config{ServerName: "x"}, limit)
			},
			"ServerTLS": func() error {
				c, peer := oneOf(t, task, plain)
				defer peer.Close()
				defer c.Close()
				return c.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}}, limit)
			},
		} {
			if begin := l.Now(); !errors.Is(do(), os.ErrDeadlineExceeded) || l.Now()-begin < 9*time.Millisecond || l.Simulated() && l.Now()-begin > time.Second {
				t.Errorf("%s: it took %v", name, l.Now()-begin)
			}
		}
		for _, opt := range []corolla.SocketOption{corolla.HandshakeTimeout(-1), corolla.MaxHandshakes(0)} {
			_, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, opt)
			if err == nil || !strings.Contains(err.Error(), "at least") {
				t.Errorf("ListenTLS with options that make no sense: %v", err)
			}
		}
	})
}
