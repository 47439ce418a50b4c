package framing_test

import (
	"bufio"
	"bytes"
	"fmt"
	"testing"

	"github.com/corolla-go/corolla/transport/framing"
)

// BenchmarkLongMessage feeds one message in pieces as a network has them. The time for a byte must
// not depend on how many there are.
func BenchmarkLongMessage(b *testing.B) {
	for _, size := range []int{1 << 20, 16 << 20} {
		body := bytes.Repeat([]byte("x"), size)
		prefixed, err := (&framing.Prefixed{}).Append(nil, body)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name string
			d    decoder
			text []byte
		}{
			{"lines", &framing.Lines{Max: size}, append(bytes.Clone(body), "\r\n"...)},
			{"netstrings", &framing.Netstrings{Max: size}, framing.AppendNetstring(nil, body)},
			{"prefixed", &framing.Prefixed{Max: size}, prefixed},
		} {
			b.Run(fmt.Sprintf("%s/%dMB", c.name, size>>20), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					feed(b, c.d, c.text, 1460, 1)
				}
			})
		}
	}
}

// feed feeds text in pieces of a size, and wants so many messages of it.
func feed(t testing.TB, d decoder, text []byte, size, want int) {
	got := 0
	for len(text) > 0 {
		n := min(size, len(text))
		if err := d.Feed(text[:n], func([]byte) error { got++; return nil }); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if got != want {
		t.Fatalf("%d messages, want %d", got, want)
	}
}

// BenchmarkLines decodes a million lines of 80 bytes, in pieces as a connection reads them, against
// bufio.Scanner on the same bytes. The goal is at most 1.2 times its time, and no allocation a line.
func BenchmarkLines(b *testing.B) {
	const lines = 1_000_000
	text := bytes.Repeat(append(bytes.Repeat([]byte("x"), 80), "\r\n"...), lines)
	b.Run("Lines", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			feed(b, &framing.Lines{}, text, 64<<10, lines)
		}
	})
	b.Run("bufio.Scanner", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			n := 0
			for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
				n += len(s.Bytes()) / 80
			}
			if n != lines {
				b.Fatalf("%d lines", n)
			}
		}
	})
}
