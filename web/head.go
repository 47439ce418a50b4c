package web

import (
	"bytes"
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

// checkHead checks a whole head.
func checkHead(head []byte) (f fields, err error) {
	line, rest := nextLine(head)
	if f.old, err = checkRequestLine(line); err != nil {
		return f, err
	}
	for n := 0; ; n++ {
		if line, rest = nextLine(rest); len(line) == 0 {
			return f, f.complete()
		}
		if n == maxFields {
			return f, errFields
		}
		if err := f.check(line); err != nil {
			return f, err
		}
	}
}

// nextLine cuts the first line off, without its CRLF.
func nextLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[:i-1], b[i+1:]
}

// checkRequestLine reports whether the request is of HTTP/1.0.
func checkRequestLine(line []byte) (old bool, err error) {
	method, rest, _ := bytes.Cut(line, []byte{' '})
	target, version, ok := bytes.Cut(rest, []byte{' '})
	if !ok || !isToken(method) || len(target) == 0 || bytes.IndexByte(version, ' ') >= 0 {
		return false, bad("malformed request line")
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return false, bad("malformed request target")
		}
	}
	switch {
	case string(version) == "HTTP/1.1":
		return false, nil
	case string(version) == "HTTP/1.0":
		return true, nil
	case len(version) == len("HTTP/1.1") && bytes.HasPrefix(version, []byte("HTTP/")):
		return false, errVersion
	}
	return false, bad("malformed HTTP version")
}

// fields is what the header fields say about where the request ends, and whom it is for.
type fields struct {
	old            bool // HTTP/1.0
	hosts, lengths int
	length         int64 // of Content-Length, or 0
	coded          bool  // there is a Transfer-Encoding
	unmatched      bool  // which is not "chunked"
}

// check checks one line of the header.
func (f *fields) check(line []byte) error {
	name, value, err := cutField(line)
	if err != nil {
		return err
	}
	switch len(name) { // so that most fields are compared with nothing
	case len("Host"):
		if is(name, "Host") {
			f.hosts++
			if f.hosts > 1 || !isHost(value) {
				return bad("malformed Host header")
			}
		}
	case len("Content-Length"):
		if is(name, "Content-Length") {
			var ok bool
			f.lengths++
			if f.length, ok = number(value); f.lengths > 1 || !ok {
				return bad("malformed Content-Length")
			}
		}
	case len("Transfer-Encoding"):
		if is(name, "Transfer-Encoding") {
			if f.coded {
				return bad("repeated Transfer-Encoding")
			}
			f.coded = true
			f.unmatched = !is(value, "chunked")
		}
	}
	return nil
}

// cutField cuts a line into a name and a value, each of which is checked.
func cutField(line []byte) (name, value []byte, err error) {
	i := bytes.IndexByte(line, ':')
	if i < 0 || !isToken(line[:i]) { // a folded line begins with a space
		return nil, nil, bad("malformed header field")
	}
	value = bytes.Trim(line[i+1:], " \t")
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return nil, nil, bad("invalid character in a header field")
		}
	}
	return line[:i], value, nil
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
