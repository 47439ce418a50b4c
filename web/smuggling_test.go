package web_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What is sent here tries to make two parsers disagree where a request ends. Each case says what the
// server must make of it: what requests its handler sees, with method, target and body ("!" behind a body
// that ends in an error), the statuses of the server's own answers, and whether it then closes the
// connection. Every message that it refuses it must refuse for good: nothing behind it is a request.

// smuggled is what must not be seen where it is a part of something else.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

// unsafe is a case of the table.
type unsafe struct {
	name string
	rule string // where it is forbidden, or shown
	sent string
	want string // outcomes that are right, with " | " between
}

// to is a request with the fields given, and what follows its head.
func to(fields, rest string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" + rest
}

const (
	refused = "400 closed"
	noBody  = `POST / ""`
	inBody  = `POST / "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"`
	follows = ` GET /next ""`
	open    = " open"
	closing = " closed"
	next    = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
)

// outcome runs a case, and says what came of it in the words of the table.
func outcome(t testing.TB, sent string, cuts []byte) string {
	t.Helper()
	var b strings.Builder
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method", r.Method)
		if r.RequestURI == "/unread" {
			b.WriteString("/unread ")
			return
		}
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(&b, "%s %s %q", r.Method, r.RequestURI, body)
		if err != nil {
			b.WriteString("!")
		}
		b.WriteString(" ")
	})
	got := ours(t, h, talk{pieces: cut([]byte(sent), cuts...)})
	for _, a := range answers(got.raw) {
		if a.own {
			fmt.Fprint(&b, a.status, " ")
		}
	}
	if got.closed {
		return b.String() + "closed"
	}
	return b.String() + "open"
}

func TestSmuggling(t *testing.T) {
	for _, c := range smuggling {
		t.Run(c.name, func(t *testing.T) {
			want := strings.Split(c.want, " | ")
			for _, cuts := range [][]byte{nil, bytes.Repeat([]byte{1}, min(len(c.sent), 600))} {
				got := outcome(t, c.sent, cuts)
				if !slices.Contains(want, got) {
					t.Fatalf("%s: sent %.300q\n got %s\nwant %s", c.rule, c.sent, got, c.want)
				}
				if strings.Contains(c.sent, smuggled) && strings.Contains(" "+got, " GET /smuggled \"\"") {
					t.Errorf("the request that was smuggled was seen: %s", got)
				}
			}
		})
	}
}
