package talk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Sink is a server that reads at a limited rate, counts, and checks every byte.
type Sink struct {
	ln      net.Listener
	want    []byte
	rate    float64 // bytes a second
	results chan Received
}

// Received is what came in on one connection.
type Received struct {
	Bytes int
	End   time.Time // when the last byte had come
	Err   error     // nil if every byte was right and none was missing
}

// NewSink starts a sink on a free port, which expects want from every connection.
func NewSink(want []byte, mibPerSecond float64) (*Sink, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the sink: %w", err)
	}
	s := &Sink{ln, want, mibPerSecond * (1 << 20), make(chan Received, 16)}
	go s.serve()
	return s, nil
}

// Addr returns where to send to.
func (s *Sink) Addr() string { return s.ln.Addr().String() }

// Received gives a result for each connection, when it has ended.
func (s *Sink) Received() <-chan Received { return s.results }

// Close stops the sink.
func (s *Sink) Close() error { return s.ln.Close() }

func (s *Sink) serve() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return // closed
		}
		// Small buffers, so that it is the sender who waits and not the kernel that
		// takes it all in.
		_ = c.(*net.TCPConn).SetReadBuffer(256 << 10) // a hint: without it the picture is less clear
		s.results <- s.receive(c)
	}
}

func (s *Sink) receive(c net.Conn) Received {
	defer c.Close()
	r := Received{End: time.Now()}
	begin := r.End
	buf := make([]byte, 128<<10)
	for r.Err == nil {
		if early := time.Duration(float64(r.Bytes)/s.rate*1e9) - time.Since(begin); early > 500*time.Microsecond {
			time.Sleep(early)
		}
		n, err := c.Read(buf)
		if n > 0 {
			r.End = time.Now()
		}
		if r.Bytes+n > len(s.want) || !bytes.Equal(buf[:n], s.want[r.Bytes:r.Bytes+n]) {
			r.Err = fmt.Errorf("wrong data after byte %d", r.Bytes)
			break
		}
		r.Bytes += n
		switch {
		case errors.Is(err, io.EOF) && r.Bytes == len(s.want):
			return r
		case errors.Is(err, io.EOF):
			err = fmt.Errorf("the stream ended after %d of %d bytes", r.Bytes, len(s.want))
		}
		r.Err = err
	}
	return r
}
