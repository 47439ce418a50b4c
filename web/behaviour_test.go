package web_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strings"
)

// describe says all that a handler can know of a request, but for its body.
func describe(r *http.Request) string {
	return fmt.Sprintf("%s %q %q %s host=%q length=%d coded=%q close=%v %s",
		r.Method, r.RequestURI, r.URL, r.Proto, r.Host, r.ContentLength, r.TransferEncoding, r.Close, fields(r.Header))
}

// fields lists a header in the order of its names.
func fields(h http.Header) string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "[%s:%q]", name, h[name])
	}
	return b.String()
}

// trailers lists those that have names: net/http's server keeps all.
func trailers(r *http.Request) string {
	t := r.Trailer.Clone()
	for name := range t {
		if strings.ContainsFunc(name, func(c rune) bool {
			return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
		}) {
			delete(t, name)
		}
	}
	return fields(t)
}

// sum reads from a body, and says what it was and how it ended.
func sum(r io.Reader) string {
	h := crc32.NewIEEE()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("body=%d/%08x failed=%v", n, h.Sum32(), err != nil)
}

// behaviours are handlers, by the first part of the path. All but those that panic first say of what
// method their request was, so that a HEAD's answer can be told.
var behaviours = map[string]http.HandlerFunc{
	"none": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, describe(r)) },
	"part": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, describe(r), sum(io.LimitReader(r.Body, 3)))
	},
	"twice": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, describe(r), sum(r.Body), sum(r.Body))
	},
	"closes": func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close() // in net/http it reads on, and may say so
		fmt.Fprintln(w, sum(r.Body))
	},
	"limited": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, sum(http.MaxBytesReader(nil, r.Body, 4))) // with w it would tell net/http's server to close
	},
	"form": func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		fmt.Fprintln(w, err != nil, fields(http.Header(r.Form)), fields(http.Header(r.PostForm)))
	},
	"empty": func(http.ResponseWriter, *http.Request) {},
	"big": func(w http.ResponseWriter, _ *http.Request) {
		for range 40 {
			w.Write(bytes.Repeat([]byte("0123456789abcdef"), 256))
		}
	},
	"middle": func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("middling"), 300)) },
	"first": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("the answer first ", 500))
		fmt.Fprintln(w, sum(r.Body))
	},
	"length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hello")
	},
	"less": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "hello")
	},
	"more": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, first := io.WriteString(w, "hello")
		n, err := io.WriteString(w, "world")
		w.Header().Set("X-Late", fmt.Sprint(first, n, err))
	},
	"204": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		io.WriteString(w, "not allowed")
	},
	"304": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusNotModified)
		io.WriteString(w, "not allowed")
	},
	"205": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusResetContent) },
	"404": http.NotFound,
	"twice-head": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
	},
	"hints": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload")
		if r.ProtoAtLeast(1, 1) { // net/http sends them to anybody
			w.WriteHeader(http.StatusEarlyHints)
		}
		fmt.Fprintln(w, sum(r.Body))
	},
	"flush": func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, i, r.Method)
			w.(http.Flusher).Flush()
		}
	},
	"flush-head": func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		w.Header().Set("X-Late", "not sent")
	},
	"trailers": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-Unset")
		text := sum(r.Body)
		io.WriteString(w, text)
		w.Header().Set("X-Sum", text+" "+trailers(r))
		w.Header().Set(http.TrailerPrefix+"X-More", "unannounced")
	},
	"panic": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"panic-late": func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half of an ans")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	},
	"panic-unsent": func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "never sent")
		panic(http.ErrAbortHandler)
	},
	"close": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, describe(r))
	},
	"keep": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "keep-alive")
		io.WriteString(w, describe(r))
	},
	"untyped": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html>")
	},
	"html":  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
	"dated": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil },
	"injects": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Value", "a\r\nX-Injected: b")
		w.Header()["X Name"] = []string{"bad"}
	},
	"copies": func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) },
}

// behave serves a request by the behaviour that its path names, and reads and describes it if it names
// none.
func behave(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Method", r.Method)
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if f := behaviours[name]; f != nil {
		f(w, r)
		return
	}
	text := describe(r)
	fmt.Fprintln(w, text, sum(r.Body), trailers(r))
}
