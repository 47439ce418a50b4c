package web_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What handlers do that they should not, or seldom do, comes to the same as with net/http's server.
func TestOddAnswersAsNetHTTP(t *testing.T) {
	odd := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		switch r.URL.Path {
		case "/304":
			w.Header().Set("Content-Length", "100")
			w.Header().Set("Content-Type", "a/b")
			w.WriteHeader(http.StatusNotModified)
			_, err := io.WriteString(w, "body")
			w.Header().Set("X-Late", fmt.Sprint(err))
		case "/204":
			w.WriteHeader(http.StatusNoContent)
			_ = rc.Flush()
			_, _ = io.WriteString(w, "body")
		case "/early":
			for range 3 {
				w.Header().Add("Link", "x")
				w.WriteHeader(http.StatusEarlyHints)
			}
			_, _ = io.WriteString(w, "after")
		case "/short":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "short")
		case "/long":
			w.Header().Set("Content-Length", "3")
			_, _ = io.WriteString(w, "too long")
			_, _ = io.WriteString(w, "abc")
		case "/trailers":
			w.Header().Set("Trailer", "A, B")
			w.Header().Set(http.TrailerPrefix+"C", "3")
			_, _ = io.WriteString(w, "body")
			w.Header().Set("A", "1")
			w.Header().Set("Content-Length", "9")
		case "/flushed":
			_ = rc.Flush()
			_ = rc.EnableFullDuplex()
			w.Header().Set("X-Late", "yes")
			_, _ = io.WriteString(w, "body")
		case "/many":
			for i := range 40 {
				w.Header().Add(fmt.Sprintf("X-%02d", i%30), strings.Repeat("v", i))
			}
		case "/invalid":
			w.Header()["a b"] = []string{"x"}
			w.Header()["X-Lines"] = []string{"a\r\nb: c"}
			_, _ = io.WriteString(w, "body")
		case "/nil":
			w.Header()["Date"] = nil
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "body")
		}
	})
	for _, path := range []string{"/304", "/204", "/early", "/short", "/long", "/trailers", "/flushed", "/many", "/invalid", "/nil"} {
		for _, head := range []string{
			"GET %s HTTP/1.1\r\nHost: test\r\n\r\n", "HEAD %s HTTP/1.1\r\nHost: test\r\n\r\n",
			"GET %s HTTP/1.0\r\n\r\n", "GET %s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		} {
			if path == "/early" && strings.Contains(head, "HTTP/1.0") {
				continue // net/http sends clients of HTTP/1.0 what they may not get (RFC 9110, section 15.2)
			}
			say := talk{pieces: [][]byte{fmt.Appendf(nil, head, path)}, half: true}
			got, want := plainly(ours(t, odd, say)), plainly(theirs(t, odd, say))
			if got != want {
				t.Errorf("%s:\ngot  %q\nwant %q", fmt.Sprintf(head, path), got, want)
			}
		}
	}
}

var dates = regexp.MustCompile("Date: [^\r]*")

// plainly sorts the lines of all that was heard, and hides the time.
func plainly(h heard) string {
	lines := strings.Split(dates.ReplaceAllString(string(h.raw), "Date: now"), "\r\n")
	slices.Sort(lines)
	return fmt.Sprint(lines, h.closed)
}
