package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// What both sides send, as in common.py, and how a side reports what it has got.

// pieces are what a client of an echo sends, each when the one before has come back.
var pieces = []int{1, 2, 3, 100, 1000, 4096, 16384, 70000}

const (
	half  = 100_000  // bytes of a question, and of its answer
	bulk  = 8 << 20  // bytes that a sender sends to a reader that does not read
	chunk = 32 << 10 // of which it sends so many at a time
)

// counting is what patterns are made of.
var counting = func() []byte {
	b := make([]byte, half+256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

// pattern returns bytes that count up from first, which is below 256, up to 100,000 of them.
func pattern(size, first int) []byte { return counting[first : first+size : first+size] }

// kind is one of Twisted's receivers: its decoder here, how a message is sent, and the longest.
type kind struct {
	decoder func() framing.Decoder
	pack    func(b, message []byte) []byte
	longest int
}

var kinds = map[string]kind{
	"lines": {
		func() framing.Decoder { return &framing.Lines{Delimiter: "\r\n"} },
		func(b, m []byte) []byte { return append(append(b, m...), "\r\n"...) }, framing.DefaultMaxLine,
	},
	"netstrings": {
		func() framing.Decoder { return &framing.Netstrings{} }, framing.AppendNetstring, framing.DefaultMaxString,
	},
	"int8":  prefixed(1, 255),
	"int16": prefixed(2, 65535),
	"int32": prefixed(4, framing.DefaultMaxString),
}

func prefixed(size, longest int) kind {
	return kind{
		func() framing.Decoder { return &framing.Prefixed{Size: size} },
		func(b, m []byte) []byte {
			b, err := (&framing.Prefixed{Size: size}).Append(b, m)
			if err != nil {
				panic(err)
			}
			return b
		}, longest,
	}
}

// batches returns the messages that a client sends: the next batch when all of one are answered.
func (k kind) batches() [][][]byte {
	var small [][]byte
	for _, s := range []string{"", "a", "hello", "a\nb", "a\rb", "\nfirst", "last\r", "5:hello,"} {
		small = append(small, []byte(s))
	}
	return [][][]byte{append(small, pattern(255, 0)), {pattern(k.longest/2, 14)}, {pattern(k.longest, 14)}}
}

func (k kind) packAll(messages [][]byte) (b []byte) {
	for _, m := range messages {
		b = k.pack(b, m)
	}
	return b
}

// answer returns the answer to a message: the message backwards.
func answer(message []byte) []byte {
	b := bytes.Clone(message)
	slices.Reverse(b)
	return b
}

// tally counts what arrives.
type tally struct {
	got int
	sum uint32
}

func (y *tally) add(b []byte) {
	y.got += len(b)
	y.sum = crc32.Update(y.sum, crc32.IEEETable, b)
}

func (y *tally) message(m []byte) {
	y.add(m)
	y.add([]byte("\n"))
}

func (y *tally) end(how string) string {
	return fmt.Sprintf("got=%d sum=%08x end=%s", y.got, y.sum, how)
}

// how returns the word for the end of a connection.
func how(err error) string {
	switch {
	case err == nil, err == io.EOF:
		return "eof"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, transport.ErrAborted):
		return "aborted"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	}
	return err.Error()
}

// want returns what a side must report: as who, by that framework or in that style, with a peer.
func want(name, role, who, peer string) string {
	var y tally
	switch {
	case name == "halfclose":
		y.add(pattern(half, map[string]int{"server": 1, "client": 2}[role]))
		return y.end("eof")
	case strings.HasPrefix(name, "slow-"):
		if name != "slow-"+role {
			return fmt.Sprintf("sent=%d paused=True", bulk)
		}
		for range bulk / chunk {
			y.add(pattern(chunk, 0))
		}
		return y.end("eof")
	case strings.HasPrefix(name, "abort-"):
		y.add([]byte("hello"))
		if name == "abort-server" && role == "server" {
			y.add([]byte("abort"))
		}
		return y.end(wantAborted(name == "abort-"+role, who, peer))
	case kinds[name].decoder != nil:
		for _, batch := range kinds[name].batches() {
			for _, m := range batch {
				if role == "client" {
					m = answer(m)
				}
				y.message(m)
			}
		}
	default:
		for k, size := range pieces {
			y.add(pattern(size, k))
		}
	}
	return y.end(map[string]string{"server": "eof", "client": "closed"}[role])
}

// wantAborted returns the word that who ends with when one side aborts. Two of the frameworks have no
// reset: asyncio ends the stream as if it were closed (difference 32), and Eventlet reads a reset as the
// end of the stream (difference 50).
func wantAborted(itself bool, who, peer string) string {
	switch {
	case itself && who == "asyncio":
		return "eof"
	case itself && (who == "twisted" || who == "transport"):
		return "aborted"
	case itself:
		return "closed"
	case who == "eventlet" || peer == "asyncio":
		return "eof"
	}
	return "reset"
}
