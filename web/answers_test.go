package web_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// answer is one of those that a client got on a connection.
type answer struct {
	status int    // 0: not HTTP, or not all of a head
	own    bool   // the server's own, which no handler made
	head   string // what else the head says, but for the date and what is in an own answer
	body   string
	broken bool   // the body ended too early, or its coding is bad
	why    string // of an own answer, in the server's words
}

// same compares answers, but for the words.
func (a answer) same(b answer) bool {
	a.why = b.why
	return a == b
}

func (a answer) String() string {
	body := a.body
	if n := len(body); n > 300 {
		body = fmt.Sprintf("%s… (%d) …%s", body[:100], n, body[n-100:])
	}
	return fmt.Sprintf("%d own=%v broken=%v %s %q %s", a.status, a.own, a.broken, a.head, body, a.why)
}

// refusal reports whether a server turned down what it read.
func (a answer) refusal() bool { return a.own && a.status >= 400 }

// answers divides what a server sent. Handlers say of what method their requests are, so the answers to
// HEAD are known.
func answers(raw []byte) (all []answer) {
	in := bufio.NewReaderSize(bytes.NewReader(raw), len(raw)+16)
	for {
		rest, _ := in.Peek(len(raw) + 1) // all that is left
		if len(rest) == 0 {
			return all
		}
		head, _, whole := bytes.Cut(rest, []byte("\r\n\r\n"))
		asked := &http.Request{Method: "GET"}
		if bytes.Contains(head, []byte("\r\nX-Method: HEAD\r\n")) || bytes.HasSuffix(head, []byte("\r\nX-Method: HEAD")) {
			asked.Method = "HEAD"
		}
		text := string(rest)
		r, err := http.ReadResponse(in, asked)
		if err != nil || !whole {
			return append(all, answer{body: text})
		}
		a := answerOf(r)
		if all = append(all, a); a.broken {
			return all
		}
	}
}

func answerOf(r *http.Response) answer {
	a := answer{status: r.StatusCode, own: len(r.Header["X-Method"]) == 0}
	var body strings.Builder
	_, err := io.Copy(&body, r.Body)
	a.broken = err != nil
	if a.own {
		a.head, a.why = fmt.Sprintf("close=%v", r.Close), body.String()
		return a
	}
	if len(r.Header["Date"]) == 1 {
		r.Header.Set("Date", "one")
	}
	if r.ProtoMinor == 0 && r.Close {
		r.Header.Del("Connection") // which says what is so anyway
	}
	a.body = body.String()
	a.head = fmt.Sprintf("%s %s length=%d coded=%q close=%v trailer=%s",
		r.Proto, fields(r.Header), r.ContentLength, r.TransferEncoding, r.Close, fields(r.Trailer))
	return a
}
