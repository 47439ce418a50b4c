package websocket_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

// Cases 9, 10, 12 and 13: many and large messages, and compressed ones. The sizes are bounded, as these
// are tests and not measurements.

// cut makes fragments of so many bytes.
func cut(f frame, size int) (all []frame) {
	op := f.op &^ fin
	for s := f.text; ; s = s[size:] {
		if len(s) <= size {
			return append(all, frame{fin | op, s})
		}
		all = append(all, frame{op, s[:size]})
		op = 0
	}
}

func sizes() (all []testCase) {
	for _, kib := range []int{64, 256, 1024} {
		s := strings.Repeat("*", kib<<10)
		all = append(all, testCase{id: fmt.Sprintf("9.1 text of %d KiB", kib), send: []frame{text(s)}, want: []frame{text(s)}},
			testCase{id: fmt.Sprintf("9.2 binary of %d KiB", kib), send: []frame{binary(s)}, want: []frame{binary(s)}})
	}
	s := strings.Repeat(hello, 10_000)
	for _, size := range []int{64, 256, 1 << 10, 4 << 10, 64 << 10} {
		all = append(all, testCase{id: fmt.Sprintf("9.3 fragments of %d", size), send: cut(text(s), size), want: []frame{text(s)}})
	}
	for _, size := range []int{0, 16, 64, 256, 1024} {
		m := binary(strings.Repeat("\xfe", size))
		all = append(all, testCase{id: fmt.Sprintf("9.8 many of %d", size), send: repeat(500, m), want: repeat(500, m)})
	}
	s = strings.Repeat("*", 65536)
	return append(all, testCase{id: "10.1.1", send: cut(text(s), 1300), want: []frame{text(s)}})
}

func TestAutobahnSizes(t *testing.T) { run(t, sizes()) }

// payload returns a text that can be compressed by about half.
func payload(size int) string {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	b := make([]byte, size)
	for i := range b {
		b[i] = "abcdefghijklmnop"[r.IntN(16)]
	}
	return string(b)
}

// compressedEcho sends messages compressed, and wants them back so; kind is that of a frame.
func (p *raw) compressedEcho(kind func(string) frame, sizes ...int) {
	p.e.Helper()
	for _, size := range sizes {
		s := payload(size)
		f := kind(deflated(s))
		f.op |= rsv1
		fragments := cut(f, 1+size/3)
		wrote := p.e.aside(func(t *corolla.Task) error { p.pieces(t, p.bytes(fragments...), 0); return nil })
		got, err := p.hear()
		p.e.must(err)
		p.e.await(wrote)
		if got.op&rsv1 != 0 {
			got.text, err = inflated(got.text)
		} else if size > 200 {
			p.e.Errorf("a message of %d bytes came back uncompressed", size)
		}
		if want := kind(s); got.op&^rsv1 != want.op || got.text != s || err != nil {
			p.e.Errorf("%d bytes: got %v, %v", size, got, err)
		}
	}
}

func TestAutobahnCompression(t *testing.T) {
	offers := map[string]string{
		"12 and 13.1": "permessage-deflate",
		"13.2":        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"13.3":        "permessage-deflate; client_max_window_bits",
		"13.4":        "permessage-deflate; client_max_window_bits; server_max_window_bits=9",
		"13.5":        "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
		"13.6":        `permessage-deflate; unknown=1, permessage-deflate; server_max_window_bits="8"`,
		"13.7":        "x-other, permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
	}
	for id, offer := range offers {
		t.Run("server/"+id, func(t *testing.T) {
			eachHost(t, func(e *env) {
				p := e.rawClient(offer, echo, websocket.Deflate(0))
				p.compressedEcho(text, 0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
				p.compressedEcho(binary, 16, 1024, 32769)
			})
		})
	}
	for _, answer := range []string{"", "; client_no_context_takeover", "; server_max_window_bits=10"} {
		t.Run("client/"+answer, func(t *testing.T) {
			eachHost(t, func(e *env) {
				p := e.rawServer("permessage-deflate; server_no_context_takeover"+answer, echo, websocket.Deflate(0))
				p.compressedEcho(text, 0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
				p.compressedEcho(binary, 16, 1024, 32769)
			})
		})
	}
}

// Compressed frames that say what they must not.
func TestCompressionViolations(t *testing.T) {
	hello := deflated("Hello")
	for name, c := range map[string]testCase{
		"bit on a continuation":   {send: []frame{{rsv1 | 1, hello[:2]}, {fin | rsv1, hello[2:]}}, code: 1002},
		"bit on a control frame":  {send: []frame{{fin | rsv1 | 9, ""}}, code: 1002},
		"another bit":             {send: []frame{{fin | rsv1 | rsv2 | 1, hello}}, code: 1002},
		"not compressed data":     {send: []frame{{fin | rsv1 | 1, "\xff\xff\xff"}}, code: 1007},
		"nothing":                 {send: []frame{{fin | rsv1 | 1, ""}}, code: 1007},
		"compressed is not UTF-8": {send: []frame{{fin | rsv1 | 1, deflated("\xff")}}, code: 1007},
		"uncompressed":            {send: []frame{text("Hello")}, want: []frame{text("Hello")}},
		"a block marked as last":  {send: []frame{{fin | rsv1 | 1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}}, want: []frame{text("Hello")}},
		"data after the last":     {send: []frame{{fin | rsv1 | 1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00"}}, code: 1007},
		"stored block":            {send: []frame{{fin | rsv1 | 1, "\x00\x05\x00\xfa\xffHello\x00"}}, want: []frame{text("Hello")}},
		"two blocks":              {send: []frame{{fin | rsv1 | 1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}}, want: []frame{text("Hello")}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				e.exchange(e.rawClient("permessage-deflate", echo, websocket.Deflate(100)), c, 1)
			})
		})
	}
}
