package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// stricter lists what the server under test may refuse although net/http's takes it, by what is in the
// bytes that were sent.
var stricter = []struct {
	sent   *regexp.Regexp
	says   string // in the server's answer
	reason string
}{
	{regexp.MustCompile(`(^|[^\r])\n`), "end in CRLF", "a line that ends without CR, on which parsers disagree"},
	{regexp.MustCompile(`\n[ \t]`), "", "a folded field, which RFC 9112 section 5.2 lets a server refuse"},
	{regexp.MustCompile(`(?is)\ntransfer-encoding:.*\ncontent-length:|\ncontent-length:.*\ntransfer-encoding:`), "", "both framings: RFC 9112 section 6.1"},
	{regexp.MustCompile(`(?is)HTTP/1\.0\r?\n.*transfer-encoding:`), "", "a coding in HTTP/1.0: RFC 9112 section 6.1"},
	{regexp.MustCompile(`HTTP/\d\.[2-9]|HTTP/[02-9]\.`), "neither HTTP/1.1", "a version that is neither 1.0 nor 1.1"},
	{regexp.MustCompile(`(?i)\ncontent-length:[^\n]*\n(?s:.*)content-length:`), "malformed Content-Length", "a repeated length, though it be the same"},
	{regexp.MustCompile(`(?i)\ncontent-length:\s*\d{19}`), "malformed Content-Length", "a length that nothing has"},
	{regexp.MustCompile(`(?i)\nexpect:[^\r\n]*,`), "unknown expectation", "an expectation besides 100-continue: RFC 9110 section 10.1.1"},
	{regexp.MustCompile(`CONNECT [^\n]* HTTP/1\.1`), "missing Host header", "CONNECT without a host: RFC 9112 section 3.2 wants one of every request"},
	{regexp.MustCompile(`(?s)[^\n].{0,2}$`), "the head is incomplete", "up to three bytes of a request, on which net/http hangs up without a word"},
	{regexp.MustCompile(`\n\r\n$`), "end in CRLF", "the same, where a body ends within a CRLF"},
	{regexp.MustCompile(`CONNECT  HTTP/1`), "malformed request line", "no target"},
	{regexp.MustCompile(`\r\n\r\n(?s:.)`), "malformed request line", "an empty line where a request should begin"},
}

func mayRefuse(sent []byte, a answer) bool {
	for _, s := range stricter {
		if s.sent.Match(sent) && strings.Contains(a.why, s.says) {
			return true
		}
	}
	return false
}

// badTrailers matches what may be in trailers for which the server under test fails a body that net/http's
// takes: lines that end without CR, are folded, or have no good name.
var badTrailers = regexp.MustCompile(`(?i)[^\r]\n|\n[ \t]|\n[^:\n]*[^-!#$%&'*+.^_|~0-9a-z:\n][^:\n]*:`)

// expects matches requests that wait for 100 Continue. Once it has answered such a request, net/http's
// server closes the connection though the body came, and still reads it though it may not come; the one
// under test does neither.
var expects = regexp.MustCompile(`(?i)\nexpect:\s*100-`)

// oddConnection matches Connection fields whose tokens have white space between them, as only a part of
// net/http allows.
var oddConnection = regexp.MustCompile(`(?i)\nconnection:[^\n]*(?:[^,\s]\s+(?:close|keep-alive)|(?:close|keep-alive)\s+[^,\s])`)

// excused reports whether an answer may be another than net/http's.
func excused(sent []byte, a, theirs answer, final bool) bool {
	switch {
	case theirs.broken, bytes.Contains(sent, []byte("/panic")): // a reset may take more of it
		return final
	case theirs == (answer{}) && final && strings.Contains(a.body, "failed=true"):
		return true // of a malformed trailer the server under test does not wait for the end
	case a.refusal() && final:
		return theirs.refusal() || mayRefuse(sent, a) // with which status is for the table of what must be refused
	}
	if final && strings.Contains(a.body, "failed=true") && (a.body == theirs.body || badTrailers.Match(sent)) {
		return true // after a body that was cut off, whether net/http announces the end depends on the length
	}
	if final && strings.Contains(a.head, " close=true") && a.status == theirs.status && a.body == theirs.body && badTrailers.Match(sent) {
		return true // behind such trailers, which nobody has read, there is nothing that both take for a request
	}
	if oddConnection.Match(sent) && a.body == theirs.body {
		return true
	}
	return expects.Match(sent) && a.status == theirs.status && !a.broken
}

// differs says in what the answers of the server under test differ from those of net/http's, or "".
func differs(sent []byte, want, got heard) string {
	theirs, ours := answers(want.raw), answers(got.raw)
	for i, a := range ours {
		var b answer
		if i < len(theirs) {
			b = theirs[i]
		}
		if a.same(b) {
			continue
		}
		if excused(sent, a, b, i == len(ours)-1 && got.closed) {
			return ""
		}
		if i == len(theirs) {
			return fmt.Sprintf("answer %d is one too many: %v", i, a)
		}
		return fmt.Sprintf("answer %d:\nwant %v\n got %v", i, b, a)
	}
	if n := len(ours); len(theirs) > n && theirs[n].refusal() && !got.closed && !bytes.HasSuffix(sent, []byte("\r\n\r\n")) {
		return "" // net/http looks at each line as it comes, the server under test at whole heads
	}
	if len(theirs) > len(ours) {
		return fmt.Sprintf("after %d answers there is no %v; closed: %v", len(ours), theirs[len(ours)], got.closed)
	}
	if want.closed != got.closed {
		return fmt.Sprintf("closed: %v, want %v", got.closed, want.closed)
	}
	return ""
}

func compare(t *testing.T, data []byte, lengths []byte, half bool, seed uint64) {
	t.Helper()
	say := talk{cut(data, lengths...), half, seed}
	want := theirs(t, http.HandlerFunc(behave), say)
	got := ours(t, http.HandlerFunc(behave), say)
	if d := differs(data, want, got); d != "" {
		t.Fatalf("sent %q in pieces of %d, half-closed %v, seed %d\n%s", data, lengths[:min(len(lengths), 8)], half, seed, d)
	}
}

// TestSameAsNetHTTP compares the two servers, with what is sent in one piece, in bytes, and cut in a few
// places.
func TestSameAsNetHTTP(t *testing.T) {
	single := bytes.Repeat([]byte{1}, 400)
	for _, c := range dialogues {
		t.Run(c.name, func(t *testing.T) {
			for _, half := range []bool{false, true} {
				compare(t, []byte(c.sent), nil, half, 0)
				compare(t, []byte(c.sent), single, half, 0)
				compare(t, []byte(c.sent), []byte{30, 17, 3, 40, 1, 1}, half, 7)
			}
		})
	}
}
