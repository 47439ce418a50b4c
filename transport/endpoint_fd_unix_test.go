//go:build unix

package transport_test

import (
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/transport"
)

// TestEndpointsOfDescriptors: a listening one, and a connected one, both taken over.
func TestEndpointsOfDescriptors(t *testing.T) {
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	there, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number := func(c interface{ File() (*os.File, error) }) string {
		f, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n, err := syscall.Dup(int(f.Fd())) // one that no os.File owns
		if err != nil {
			t.Fatal(err)
		}
		return "fd:" + strconv.Itoa(n)
	}
	listening, connected := number(ln.(*net.TCPListener)), number(there.(*net.TCPConn))
	_, _ = ln.Close(), there.Close()
	if err := l.Run(func(task *corolla.Task) error {
		server, client := newLouder(), &recorder{}
		srv, err := mustParse(t, listening).Listen(l, func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			return err
		}
		c, err := mustParse(t, connected).Connect(l, client).Await(task)
		if err != nil {
			return err
		}
		_ = c.Write([]byte("x"))
		until(t, task, func() bool { return strings.Contains(client.String(), "data") })
		c.Close()
		_, _ = client.wait(t, task), server.wait(t, task)
		return srv.Close()
	}); err != nil {
		t.Error(err)
	}
}
