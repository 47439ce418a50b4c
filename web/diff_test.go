package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"testing"
)

// stricter lists what the server under test may refuse although net/http's takes it, by what is in the
// bytes that were sent.
var stricter = []struct {
	sent   *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`(^|[^\r])\n`), "a line that ends without CR, on which parsers disagree"},
	{regexp.MustCompile(`\n[ \t]`), "a folded field, which RFC 9112 section 5.2 lets a server refuse"},
	{regexp.MustCompile(`(?is)\ntransfer-encoding:.*\ncontent-length:|\ncontent-length:.*\ntransfer-encoding:`), "both framings: RFC 9112 section 6.1"},
	{regexp.MustCompile(`(?is)HTTP/1\.0\r?\n.*transfer-encoding:`), "a coding in HTTP/1.0: RFC 9112 section 6.1"},
}

func mayRefuse(sent []byte) bool {
	for _, s := range stricter {
		if s.sent.Match(sent) {
			return true
		}
	}
	return false
}

// differs says in what the answers of the server under test differ from those of net/http's, or "".
func differs(sent []byte, want, got heard) string {
	theirs, ours := answers(want.raw), answers(got.raw)
	for i, a := range ours {
		if i < len(theirs) && a == theirs[i] {
			continue
		}
		if a.refusal() && i == len(ours)-1 && got.closed && mayRefuse(sent) {
			return ""
		}
		if i == len(theirs) {
			return fmt.Sprintf("answer %d is one too many: %v", i, a)
		}
		return fmt.Sprintf("answer %d:\nwant %v\n got %v", i, theirs[i], a)
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
		t.Errorf("sent %q in pieces of %d, half-closed %v, seed %d\n%s\nin all %.900q", data, lengths[:min(len(lengths), 8)], half, seed, d, got.raw)
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
