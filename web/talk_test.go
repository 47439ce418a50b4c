package web_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// The same bytes, cut in the same places, are sent to two servers: the one under test, on a simulated
// machine, and net/http's, on a connection in memory within a bubble of testing/synctest. Each piece is
// sent when the server has done all that it can do about those before, so both runs are exact, and none
// takes real time.

// A talk is what a client sends on one connection.
type talk struct {
	pieces [][]byte
	half   bool   // it then ends its stream; else it waits
	seed   uint64 // of the simulated network; 0: one that cuts nothing
}

// heard is what the client gets.
type heard struct {
	raw    []byte
	closed bool // the server ended the connection
}

// cut divides data into pieces of the lengths given, and the rest.
func cut(data []byte, lengths ...byte) (pieces [][]byte) {
	for _, n := range lengths {
		if int(n) >= len(data) {
			break
		}
		if n > 0 {
			pieces = append(pieces, data[:n])
			data = data[n:]
		}
	}
	return append(pieces, data)
}

// ours sends a talk to the server under test.
func ours(t testing.TB, h http.Handler, say talk, configure ...func(*web.Server)) (got heard) {
	t.Helper()
	opts := []sim.Option{sim.Latency(time.Millisecond, time.Millisecond), sim.Whole()}
	if say.seed != 0 {
		opts = nil
	}
	w := sim.New(say.seed, opts...)
	l := w.NewLoop(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	if err := l.Run(func(task *corolla.Task) error {
		s := startServer(t, l, h, configure...)
		c, err := aio.Dial(task, "tcp", s.addr)
		if err != nil {
			return err
		}
		hears := l.Go(func(task *corolla.Task) error {
			for buf := make([]byte, 16<<10); ; {
				n, err := c.Read(task, buf)
				got.raw = append(got.raw, buf[:n]...)
				if err != nil {
					got.closed = true
					return nil
				}
			}
		})
		for _, p := range say.pieces {
			_, _ = c.Write(task, p) // the server may have hung up, which the reader sees
			if err := task.Sleep(100 * time.Millisecond); err != nil {
				return err
			}
		}
		if say.half {
			_ = c.CloseWrite() // or the server has reset it
		}
		if err := task.Sleep(10 * time.Second); err != nil {
			return err
		}
		closed := got.closed
		_ = c.Close() // or it is lost already
		_, err = hears.Await(task)
		got.closed = closed
		s.stop(t, task)
		return err
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	if n := w.Open(); n != 0 {
		t.Errorf("%d descriptors left open", n)
	}
	return got
}

// theirs sends a talk to net/http's server.
func theirs(t *testing.T, h http.Handler, say talk) (got heard) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &memory{}
		c.changed.L = &c.mu
		ln := &single{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		ln.conns <- c
		s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
		go func() { _ = s.Serve(ln) }() // always http.ErrServerClosed
		synctest.Wait()
		for _, p := range say.pieces {
			c.feed(p, false)
			synctest.Wait()
		}
		if say.half {
			c.feed(nil, true)
			synctest.Wait()
		}
		c.mu.Lock()
		got = heard{c.sent, c.shut}
		c.mu.Unlock()
		c.feed(nil, true)
		synctest.Wait()
		_ = s.Close()           // nothing of a listener in memory fails
		time.Sleep(time.Second) // which net/http waits after some answers; within the bubble it takes none
	})
	return got
}

// single is a listener that has one connection.
type single struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *single) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *single) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *single) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// memory is the server's end of a connection in memory. A client that reads all is implied.
type memory struct {
	mu      sync.Mutex
	changed sync.Cond
	arrived []byte
	ended   bool // the client's stream
	sent    []byte
	shut    bool // the server's stream
	late    bool // the read deadline has passed
	closed  bool
}

func (c *memory) feed(b []byte, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived = append(c.arrived, b...)
	c.ended = c.ended || end
	c.changed.Broadcast()
}

func (c *memory) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case c.late:
			return 0, os.ErrDeadlineExceeded
		case len(c.arrived) > 0:
			n := copy(b, c.arrived)
			c.arrived = c.arrived[n:]
			return n, nil
		case c.ended:
			return 0, io.EOF
		}
		c.changed.Wait()
	}
}

func (c *memory) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.shut {
		return 0, net.ErrClosed
	}
	c.sent = append(c.sent, b...)
	return len(b), nil
}

func (c *memory) end(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut, c.closed = true, c.closed || all
	c.changed.Broadcast()
}

func (c *memory) CloseWrite() error { c.end(false); return nil }
func (c *memory) Close() error      { c.end(true); return nil }

// SetReadDeadline knows two: none, and one long past, by which net/http ends a read.
func (c *memory) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = !at.IsZero()
	c.changed.Broadcast()
	return nil
}

func (c *memory) SetDeadline(at time.Time) error   { return c.SetReadDeadline(at) }
func (c *memory) SetWriteDeadline(time.Time) error { return nil }
func (c *memory) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (c *memory) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000} }
