package transport_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// received gives test a Conn that p has on a simulated loop.
func received(tb testing.TB, p transport.Protocol, test func(c *transport.Conn, task *corolla.Task)) {
	tb.Helper()
	l := sim.New(1).NewLoop(corolla.SlowLimit(0))
	defer func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	}()
	if err := l.Run(func(task *corolla.Task) error {
		var c *transport.Conn
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(conn *transport.Conn) transport.Protocol { c = conn; return p })
		if err != nil {
			return err
		}
		client, err := l.Dial("tcp", srv.Addr().String()).Await(task)
		for range 5 {
			if err == nil {
				err = task.Yield()
			}
		}
		if err != nil {
			return err
		}
		test(c, task)
		c.Abort()
		_, _ = client.Close(), srv.Close()
		return nil
	}); err != nil {
		tb.Error(err)
	}
}

type counting struct{ n, bytes int }

func (*counting) Opened(*transport.Receiver)                {}
func (*counting) Closed(*transport.Receiver, error)         {}
func (c *counting) Message(_ *transport.Receiver, m []byte) { c.n++; c.bytes += len(m) }

// BenchmarkReceiver takes a million messages of 80 bytes, in pieces as a connection reads them.
// bufio.Scanner on the same lines is what to compare it with: the goal is at most 1.2 times its time,
// and no allocation a message.
func BenchmarkReceiver(b *testing.B) {
	const n, piece = 1_000_000, 64 << 10
	body := bytes.Repeat([]byte("x"), 80)
	lines := bytes.Repeat(append(bytes.Clone(body), "\r\n"...), n)
	for _, c := range []struct {
		name string
		d    framing.Decoder
		text []byte
	}{
		{"lines", &framing.Lines{}, lines},
		{"netstrings", &framing.Netstrings{}, bytes.Repeat(framing.AppendNetstring(nil, body), n)},
		{"32-bit sizes", &framing.Prefixed{}, bytes.Repeat(append(binary.BigEndian.AppendUint32(nil, 80), body...), n)},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := &counting{}
			r := transport.NewReceiver(c.d, h)
			received(b, r, func(conn *transport.Conn, _ *corolla.Task) {
				b.ReportAllocs()
				b.SetBytes(int64(len(c.text)))
				for b.Loop() {
					h.n, h.bytes = 0, 0
					for rest := c.text; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
						r.Data(conn, rest[:min(piece, len(rest))])
					}
					if h.n != n || h.bytes != n*80 {
						b.Fatalf("%d messages of %d bytes", h.n, h.bytes)
					}
				}
			})
		})
	}
	b.Run("bufio.Scanner", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(lines)))
		for b.Loop() {
			got := 0
			for s := bufio.NewScanner(bytes.NewReader(lines)); s.Scan(); {
				got += len(s.Bytes())
			}
			if got != n*80 {
				b.Fatal(got)
			}
		}
	})
}

// FuzzReceiver tells a scripted handler the same stream whole and in pieces of a size: it must be told
// the same.
func FuzzReceiver(f *testing.F) {
	f.Add("one\r\nraw\nx;two\nnets\n5:pause,5:lines,close\nx", 1)
	f.Add("pause\nblink\nraw\n;nets\n3:raw,;abort\n", 3)
	f.Add("nets\n01:x,", 2)
	f.Add(strings.Repeat("x", 50), 7)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = 1 + (size&0x7fffffff)%20
		told := func(size int) string {
			h, r := newScript()
			received(t, r, func(c *transport.Conn, task *corolla.Task) {
				for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
					r.Data(c, []byte(rest[:min(size, len(rest))]))
				}
				for range 5 * (1 + strings.Count(text, "pause")) {
					if err := task.Yield(); err != nil {
						t.Fatal(err)
					}
				}
				c.Close()
				_ = h.wait(t, task)
			})
			return h.String()
		}
		whole, pieces := told(len(text)+1), told(size)
		// When a pause is over depends on when it began.
		without := strings.NewReplacer(" resumed", "", "data ", "")
		if whole, pieces = without.Replace(whole), without.Replace(pieces); whole != pieces {
			t.Fatalf("whole:         %s\nin pieces of %d: %s", whole, size, pieces)
		}
	})
}
