package transport_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

func TestClosedIsNeverCalledWithinClose(t *testing.T) { // rules 38, 39
	for name, c := range map[string]struct {
		end      func(*transport.Conn)
		is, peer error
	}{
		"close": {(*transport.Conn).Close, nil, io.EOF},
		"abort": {(*transport.Conn).Abort, transport.ErrAborted, syscall.ECONNRESET},
	} {
		serve(t, &recorder{onData: func(conn *transport.Conn, _ []byte) {
			c.end(conn)
			c.end(conn)
			rec().say("returned")
			if err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) { // differences 8, 9
				t.Errorf("Write after %s: %v", name, err)
			}
		}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
			mustWrite(t, task, client, "go")
			if err := ended(t, task); err != c.is {
				t.Errorf("after %s Closed got %v", name, err)
			}
			wantSaid(t, "opened data returned closed")
			if _, err := readAll(t, task, client); !errors.Is(err, c.peer) {
				t.Errorf("after %s the client reads %v, want %v", name, err, c.peer)
			}
		})
	}
}

// clogged writes more than the system takes while the peer does not read, and returns how much. It
// does not go on for ever where nothing is sent before Data returns.
func clogged(c *transport.Conn) (size int) {
	piece := make([]byte, 256<<10)
	for more := 0; more < 4; size += len(piece) { // as its buffers may still grow
		_ = c.Write(piece)
		if c.Buffered() > 0 {
			more++
		}
	}
	return size
}

func TestCloseFlushesFirst(t *testing.T) { // rules 39, 40
	size := 0
	serve(t, &recorder{onOpen: func(c *transport.Conn) {
		size = clogged(c)
		c.Close()
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		got, err := readAll(t, task, client)
		if len(got) != size || err != io.EOF {
			t.Errorf("received %d bytes of %d, %v", len(got), size, err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
	})
}

// The peer goes on sending to one that has closed and still has something to send.
func TestNoDataAfterClose(t *testing.T) { // rules 38, 39
	serve(t, &recorder{onOpen: func(c *transport.Conn) { clogged(c) }, onData: func(c *transport.Conn, b []byte) {
		rec().say("%s", b)
		c.Close()
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "a")
		until(t, task, func() bool { return strings.HasSuffix(rec().String(), "a") })
		for range 20 {
			mustWrite(t, task, client, "late")
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := readAll(t, task, client); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %v", err) // a reset, as what it sent was not read
		}
		_ = ended(t, task)
		wantSaid(t, "opened data a closed")
	})
}

// closer is a recorder that has its side closed at the end of the stream.
type closer struct{ keeper }

func (k *closer) EOF(c *transport.Conn) bool {
	_ = c.Write([]byte("bye"))
	k.keeper.EOF(c)
	return false
}

func TestEndOfThePeersStreamThatCloses(t *testing.T) { // rule 43
	serve(t, &closer{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		if err := client.CloseWrite(); err != nil {
			t.Error(err)
		}
		if got, err := readAll(t, task, client); got != "bye" || err != io.EOF {
			t.Errorf("received %q, %v", got, err)
		}
		if err := ended(t, task); err != nil {
			t.Errorf("Closed with %v", err)
		}
		wantSaid(t, "opened eof closed")
	})
}

func TestPanicInDataResets(t *testing.T) { // rule 44
	serve(t, &recorder{onData: func(c *transport.Conn, b []byte) {
		rec().say("%d logged before", len(*logged))
		_ = c.Write([]byte("half of an answer"))
		panic("oops")
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		mustWrite(t, task, client, "x")
		var p *corolla.PanicError
		err := ended(t, task)
		if !errors.As(err, &p) || p.Value != "oops" {
			t.Errorf("Closed with %v", err)
		}
		if peer := client.LocalAddr().String(); !strings.Contains(p.Where, "recorder of tcp ") || !strings.HasSuffix(p.Where, "-> "+peer) {
			t.Errorf("the panic was in %q, and the peer is %s", p.Where, peer)
		}
		if len(*logged) != 1 || (*logged)[0] != error(p) {
			t.Errorf("the handler got %v", *logged)
		}
		wantSaid(t, "opened data 0 logged before 1 logged at closed")
		if got, err := readAll(t, task, client); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %q, %v: it must not take that for a whole answer", got, err)
		}
	})
}
