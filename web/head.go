package web

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
)

// What is checked of a request's head before it is parsed. net/http's parser alone, http.ReadRequest, is too
// lenient for a server: it drops a Content-Length that comes with chunked, ignores a field with a
// space before its colon, and joins folded lines, each of which lets a proxy in front and the server
// behind it disagree where a request ends (RFC 9112, section 11). Whatever leaves room for doubt is
// refused.

// badHead is a head that is refused, with the status that says so.
type badHead struct {
	status int
	why    string
}

func (e *badHead) Error() string {
	return fmt.Sprintf("%d %s: %s", e.status, http.StatusText(e.status), e.why)
}

func bad(why string) error { return &badHead{http.StatusBadRequest, why} }

// maxFields is how many header fields a request may have.
const maxFields = 1000

var (
	errBareLF   = bad("a line that does not end in CRLF")
	errBigHead  = &badHead{http.StatusRequestHeaderFieldsTooLarge, "the head is too long"}
	errFields   = &badHead{http.StatusRequestHeaderFieldsTooLarge, "too many header fields"}
	errVersion  = &badHead{http.StatusHTTPVersionNotSupported, "neither HTTP/1.1 nor HTTP/1.0"}
	errCoding   = &badHead{http.StatusNotImplemented, "unsupported transfer encoding"}
	errExpect   = &badHead{http.StatusExpectationFailed, "unknown expectation"}
	errLate     = &badHead{http.StatusRequestTimeout, "the head took too long"}
	errCrowd    = &badHead{http.StatusServiceUnavailable, "too many requests are arriving slowly"}
	errCutShort = bad("the head is incomplete")
)

// headEnd returns the length of the head at the start of b, with the empty line that ends it, or -1 if
// that has not arrived. The first from bytes were looked at before.
func headEnd(b []byte, from int) (int, error) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1, nil
		}
		from += i + 1
		line := b[:from-1]
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return -1, errBareLF
		}
		if line = line[:len(line)-1]; len(line) == 0 || line[len(line)-1] == '\n' {
			return from, nil
		}
	}
}

// fields is what a head that was checked says, and where its parts are, so that they need not be looked
// for again.
type fields struct {
	method, target int  // where each ends
	old            bool // HTTP/1.0
	hosts, lengths int
	length         int64  // of Content-Length, or 0
	coded          bool   // there is a Transfer-Encoding
	unmatched      bool   // which is not "chunked"
	marks          []mark // of all fields
}

// mark is a field in a head.
type mark struct {
	key        string // the name in its canonical form, or "" if it is none of the common ones
	name       int    // where its own form begins, and its length
	size       int
	value, end int
}

// check checks a whole head. Its marks are put in the room.
func (f *fields) check(head []byte, room []mark) (err error) {
	f.marks = room[:0]
	at := bytes.IndexByte(head, '\n') + 1
	if err = f.checkRequestLine(head[:at-2]); err != nil {
		return err
	}
	for {
		n := bytes.IndexByte(head[at:], '\n')
		if n == 1 {
			return f.complete()
		}
		if len(f.marks) == maxFields {
			return errFields
		}
		if err = f.checkField(head[at:at+n-1], at); err != nil {
			return err
		}
		at += n + 1
	}
}

// checkRequestLine checks the first line, without its CRLF.
func (f *fields) checkRequestLine(line []byte) error {
	f.method = bytes.IndexByte(line, ' ')
	f.target = f.method + 1
	for f.target < len(line) && line[f.target] > ' ' && line[f.target] != 0x7f {
		f.target++
	}
	switch {
	case f.method <= 0 || !isToken(line[:f.method]) || f.target == f.method+1 || f.target == len(line):
		return bad("malformed request line")
	case line[f.target] != ' ':
		return bad("malformed request target")
	}
	switch version := line[f.target+1:]; {
	case string(version) == "HTTP/1.1":
		return nil
	case string(version) == "HTTP/1.0":
		f.old = true
		return nil
	case len(version) == len("HTTP/1.1") && bytes.HasPrefix(version, []byte("HTTP/")):
		return errVersion
	}
	return bad("malformed HTTP version")
}

// checkField checks one line of the header, which begins at a place in the head.
func (f *fields) checkField(line []byte, at int) error {
	n, value, err := cutField(line)
	if err != nil {
		return err
	}
	m := mark{key: commonName(line[:n]), name: at, size: n}
	m.value = at + value
	line = trimRight(line[value:])
	m.end = m.value + len(line)
	f.marks = append(f.marks, m)
	switch m.key {
	case "Host":
		f.hosts++
		if f.hosts > 1 || !isHost(line) {
			return bad("malformed Host header")
		}
	case "Content-Length":
		var ok bool
		f.lengths++
		if f.length, ok = number(line); f.lengths > 1 || !ok {
			return bad("malformed Content-Length")
		}
	case "Transfer-Encoding":
		if f.coded {
			return bad("repeated Transfer-Encoding")
		}
		f.coded = true
		f.unmatched = !is(line, "chunked")
	}
	return nil
}

// cutField checks a line, and says how long its name is, and where its value begins. There may be
// space behind the value.
func cutField(line []byte) (name, value int, err error) {
	for name < len(line) && token[line[name]] {
		name++
	}
	if name == 0 || name == len(line) || line[name] != ':' { // a folded line begins with a space
		return 0, 0, bad("malformed header field")
	}
	for value = name + 1; value < len(line) && isSpace(line[value]); {
		value++
	}
	if hasControls(line[value:]) {
		return 0, 0, bad("invalid character in a header field")
	}
	return name, value, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func trimRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// hasControls reports whether there is a control character other than a tab. It looks at eight bytes
// at a time: to subtract 0x20 from one that is less, or 1 from one that is 0, borrows, which sets its
// highest bit.
func hasControls(b []byte) bool {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		del := v ^ 0x7f*ones
		if ((v-' '*ones)&^v|(del-ones)&^del)&highest != 0 && anyControl(b[:8]) {
			return true
		}
	}
	return anyControl(b)
}

func anyControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// complete checks what can be said of all fields together.
func (f *fields) complete() error {
	switch {
	case f.coded && f.lengths > 0:
		return bad("both Content-Length and Transfer-Encoding")
	case f.coded && f.old:
		return bad("Transfer-Encoding in HTTP/1.0")
	case f.unmatched:
		return errCoding
	case f.hosts == 0 && !f.old:
		return bad("missing Host header")
	}
	return nil
}

func is(b []byte, s string) bool { return len(b) == len(s) && strings.EqualFold(string(b), s) }

// number returns a length that is written in digits only, and not too many for an int64.
func number(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(b) > 0 && len(b) < 19
}

func isToken[T string | []byte](b T) bool {
	for i := range len(b) {
		if !token[b[i]] {
			return false
		}
	}
	return len(b) > 0
}

// isHost reports whether b has only what a host and a port are written with. It may be empty.
func isHost(b []byte) bool {
	for _, c := range b {
		if !host[c] {
			return false
		}
	}
	return true
}

// token has the characters that methods and field names are made of (RFC 9110, section 5.6.2), and host
// those of a Host field (RFC 3986, section 3.2.2). golang.org/x/net/http/httpguts has both, but brings
// the tables of internationalized names along.
var (
	token = setOf("!#$%&'*+-.^_`|~")
	host  = setOf("!$%&'()*+,-.:;=[]_~")
)

func setOf(marks string) (set [256]bool) {
	const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for _, c := range []byte(alphanumeric + marks) {
		set[c] = true
	}
	return set
}
