package transport_test

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// What throttling costs: the least processor time for a MiB, of several interleaved runs, and its ratio to
// that without a limit. To be throttled is to wait, and who waits finds the caches cold, so "paced" is for
// comparison: the sender itself waits, without a limit. The time is that of both ends of a connection, which share a loop: on loopback the one
// that reads does some of the system's work for the one that writes, and more of it if it lets the other
// wait.
//
//	go test -run - -bench ThrottledBulk -benchtime 20x ./transport
func BenchmarkThrottledBulk(b *testing.B) {
	const mib = 64
	rates := [...]struct {
		name  string
		rate  int64 // 0 is no limit
		paced int   // bytes for each 50 ms
	}{{"unthrottled", 0, 0}, {"unreached", 1 << 40, 0}, {"throttled", 200_000_000, 0}, {"paced", 0, 10_000_000}}
	for _, way := range []string{"receiving", "sending"} {
		b.Run(way, func(b *testing.B) {
			l, err := corolla.New(corolla.SlowLimit(0))
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			least := [len(rates)]time.Duration{1 << 62, 1 << 62, 1 << 62, 1 << 62}
			if err := l.Run(func(task *corolla.Task) error {
				for i := range len(rates) * b.N {
					i %= len(rates)
					opt := corolla.Throttle(rates[i].rate, 0)
					if way == "sending" {
						opt = corolla.Throttle(0, rates[i].rate)
					}
					before := processorTime(b)
					if err := bulk(task, opt, way == "sending", mib<<20, rates[i].paced); err != nil {
						return err
					}
					least[i] = min(least[i], processorTime(b)-before)
				}
				return nil
			}); err != nil {
				b.Error(err)
			}
			for i, r := range rates {
				b.ReportMetric(float64(least[i].Microseconds())/mib, r.name+"-µs/MiB")
				b.ReportMetric(float64(least[i])/float64(least[0]), r.name+"-×")
			}
		})
	}
}

// bulk moves bytes between a protocol's connection that obeys an option and a task's.
func bulk(task *corolla.Task, opt corolla.SocketOption, sending bool, size, paced int) error {
	p := &bulkEnd{paced: paced}
	if sending {
		p.send = size
	}
	srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p }, transport.Options(opt))
	if err != nil {
		return err
	}
	defer srv.Close()
	c, err := aio.Dial(task, "tcp", srv.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if sending {
		for got := 0; got < size; {
			b, err := c.Receive(task)
			if err != nil {
				return err
			}
			got += len(b)
		}
		return nil
	}
	for n := range size / len(bulkPiece) {
		if paced > 0 && n%(paced/len(bulkPiece)) == paced/len(bulkPiece)-1 {
			if err := task.Sleep(50 * time.Millisecond); err != nil {
				return err
			}
		}
		if _, err := c.Write(task, bulkPiece); err != nil {
			return err
		}
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, c.Bind(task)); n != 0 || err != nil { // until the protocol has all
		return errors.Join(err, errors.New("the end of the stream was not the protocol's"))
	}
	if p.got != size {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// bulkEnd sends a number of bytes, as fast as they are taken, or counts those it gets.
type bulkEnd struct {
	send, got   int
	paced, sent int
	conn        *transport.Conn
}

var bulkPiece = make([]byte, 64<<10)

func (p *bulkEnd) Opened(c *transport.Conn) {
	if p.conn = c; p.send > 0 {
		_ = c.RegisterPullProducer(p) // there is no other
	}
}

func (p *bulkEnd) Resume() {
	for range 4 {
		n := min(p.send, len(bulkPiece))
		_ = p.conn.Write(bulkPiece[:n])
		p.send, p.sent = p.send-n, p.sent+n
	}
	switch {
	case p.send == 0:
		p.conn.UnregisterProducer()
	case p.paced > 0 && p.sent >= p.paced:
		p.sent = 0
		p.conn.UnregisterProducer()
		p.conn.Socket().Loop().After(50*time.Millisecond, func() { _ = p.conn.RegisterPullProducer(p) }) // there is no other
	}
}

func (p *bulkEnd) Stop()                               {}
func (p *bulkEnd) Data(_ *transport.Conn, b []byte)    { p.got += len(b) }
func (p *bulkEnd) Closed(_ *transport.Conn, err error) {}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
