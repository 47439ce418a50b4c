package httpwork_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/bench/internal/httpwork"
)

type reader interface{ Take([]byte) (int, error) }

// take gives a reader the text in pieces of one size, and returns how many answers ended.
func take(r reader, text string, piece int) (ended int, err error) {
	for len(text) > 0 && err == nil {
		n := min(piece, len(text))
		var more int
		more, err = r.Take([]byte(text[:n]))
		ended += more
		text = text[n:]
	}
	return ended, err
}

func TestAnswersAreCountedInAnyPieces(t *testing.T) {
	one := "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:  5\r\n\r\nhello"
	text := strings.Repeat(one, 3) + one[:len(one)-1]
	for piece := 1; piece <= len(text); piece++ {
		if n, err := take(httpwork.NewAnswers(5), text, piece); n != 3 || err != nil {
			t.Errorf("in pieces of %d: %d answers, %v; want 3", piece, n, err)
		}
	}
}

func TestWrongAnswersAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"status":     {"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", "404"},
		"length":     {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "has 4 bytes"},
		"no number":  {"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", "length"},
		"no length":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no Content-Length"},
		"after body": {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello more\r\n\r\n", "more"},
		"long head":  {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 5000), "more than 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := take(httpwork.NewAnswers(5), c.text, 1000); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

const switched = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// plain returns the frame that a server sends for a message: the same payload, not masked.
func plain(t *testing.T) string {
	t.Helper()
	m := httpwork.Message()
	const head = 6
	if len(m) != head+httpwork.MessageSize || m[1] != 0x80|httpwork.MessageSize || binary.BigEndian.Uint32(m[2:]) == 0 {
		t.Fatalf("the message's frame is % x", m)
	}
	for i := head; i < len(m); i++ {
		m[i] ^= m[2+(i-head)%4]
	}
	return "\x82\x40" + string(m[head:])
}

func TestFramesAreCountedInAnyPieces(t *testing.T) {
	text := switched + strings.Repeat(plain(t), 2) + "\x82"
	for piece := 1; piece <= len(text); piece++ {
		if n, err := take(&httpwork.Frames{}, text, piece); n != 3 || err != nil {
			t.Errorf("in pieces of %d: %d messages, %v; want 3 with the handshake", piece, n, err)
		}
	}
}

func TestWrongFramesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"status":  {strings.Replace(switched, "101", "200", 1), "handshake"},
		"key":     {strings.Replace(switched, "s3p", "xxx", 1), "handshake"},
		"close":   {switched + "\x88\x00", "message"},
		"payload": {switched + "\x82\x40" + strings.Repeat("x", 64), "message"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := take(&httpwork.Frames{}, c.text, 1000); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestRecordHasOneKiB(t *testing.T) {
	b, err := httpwork.Body(httpwork.JSON)
	if err != nil || len(b) != 1024 || !bytes.HasPrefix(b, []byte(`{"id":`)) {
		t.Errorf("%d bytes, %v: %.40q", len(b), err, b)
	}
}
