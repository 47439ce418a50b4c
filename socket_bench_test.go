package corolla_test

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// obliging is a machine that reads and writes whatever it is asked to without a system call: what
// is left is what sockets and outboxes cost by themselves.
type obliging struct{ host.Host }

func (obliging) TryRead(_ host.FD, b []byte) (int, error)  { return len(b), nil }
func (obliging) TryWrite(_ host.FD, b []byte) (int, error) { return len(b), nil }
func (obliging) TryWriteBatch(_ host.FD, bufs [][]byte) (n int, err error) {
	for _, b := range bufs {
		n += len(b)
	}
	return n, nil
}

// BenchmarkSocketAlone is the price of a socket, and of an outbox, without that of the system.
func BenchmarkSocketAlone(b *testing.B) {
	large := make([]byte, 20_000)
	small, two := large[:64], [][]byte{large[:32], large[:32]}
	for _, of := range []struct {
		name string
		try  func(r, w *corolla.Socket, out *corolla.Outbox)
	}{
		{"TryRead", func(r, _ *corolla.Socket, _ *corolla.Outbox) { _, _ = r.TryRead(small) }},
		{"TryWrite", func(_, w *corolla.Socket, _ *corolla.Outbox) { _, _ = w.TryWrite(small) }},
		{"TryWriteBatch", func(_, w *corolla.Socket, _ *corolla.Outbox) { _, _ = w.TryWriteBatch(two) }},
		{"Write", func(_, _ *corolla.Socket, out *corolla.Outbox) { _ = out.Write(large) }},
		{"Write corked", func(_, _ *corolla.Socket, out *corolla.Outbox) {
			out.Cork()
			_ = out.Write(small)
			out.Uncork()
		}},
		{"Write corked 40 times", func(_, _ *corolla.Socket, out *corolla.Outbox) {
			out.Cork()
			for range 40 {
				_ = out.Write(large[:1000])
			}
			out.Uncork()
		}},
	} {
		b.Run(of.name, func(b *testing.B) {
			l := sim.New(1).NewLoop(corolla.SlowLimit(0), hosttest.Between(func(h host.Host) host.Host { return obliging{h} }))
			r, w, err := l.Pipe()
			if err != nil {
				b.Fatal(err)
			}
			defer leaktest.Close(b, l)
			b.ReportAllocs()
			if err := l.Run(func(t *corolla.Task) error {
				var out corolla.Outbox
				out.Init(w, nil)
				defer w.Close()
				defer r.Close()
				if err := w.CloseWrite(); err != nil { // so that the other end is, and stays, readable
					return err
				}
				if err := r.WaitReadable(t); err != nil {
					return err
				}
				for b.Loop() {
					of.try(r, w, &out)
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkSocketEcho is a request and its answer between two sockets of one loop, by callbacks.
func BenchmarkSocketEcho(b *testing.B) {
	l := benchLoop(b)
	ln, err := l.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var client, server *corolla.Socket
	if err := l.Run(func(t *corolla.Task) error {
		dial := l.Dial("tcp", ln.LocalAddr().String())
		if server, err = acceptOne(t, ln); err != nil {
			return err
		}
		client, err = dial.Await(t)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	buf, left := make([]byte, 64), b.N
	pass := func(s *corolla.Socket) {
		n, err := s.TryRead(buf)
		if err == nil {
			_, err = s.TryWrite(buf[:n])
		}
		if err != nil && err != corolla.ErrWouldBlock {
			b.Error(err)
			l.Stop()
		}
	}
	server.OnReadable(func() { pass(server) })
	client.OnReadable(func() {
		if left--; left <= 0 {
			l.Stop()
		}
		pass(client)
	})
	if _, err := client.TryWrite(buf); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	if err := l.RunForever(); err != nil {
		b.Fatal(err)
	}
}
