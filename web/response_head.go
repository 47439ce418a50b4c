package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// How the head of an answer is made, by the rules of net/http's server.

// start makes the head, in the server's memory. Next is what is written after the page; if it is
// the last of the answer, its length is known.
func (w *response) start(next []byte, last bool) {
	x, s := w.x, w.x.conn.srv()
	w.started = true
	h := w.header
	if w.snapshot != nil {
		h = w.snapshot
	}
	if s.stopping || s.closeAll || hasToken(h["Connection"], "close") {
		x.last = true
	}
	if !x.body.done && !w.fullDuplex {
		w.settleBody()
	}
	w.trailers = announces(h)
	length := w.length
	if last && length < 0 && !w.trailers && hasBody(w.status) && (!w.head || len(w.page) > 0) {
		length = int64(len(w.page))
	}
	bare := !hasBody(w.status)
	coding := h.Get("Transfer-Encoding")
	switch {
	case bare, w.head, length >= 0:
	case w.old, coding == "identity":
		x.last = true
	default:
		w.chunked = true
	}
	if w.old && length < 0 && !bare && !w.head {
		x.last = true
	}

	b := s.memory.head[:0]
	if w.old {
		b = append(b, "HTTP/1.0 "...)
	} else {
		b = append(b, "HTTP/1.1 "...)
	}
	b = append(b, statusLine(w.status)...)
	b = w.fields(b, h)
	if _, ok := h["Date"]; !ok {
		b = append(b, "Date: "...)
		b = append(append(b, s.date.now(s.loop.Time())...), crlf...)
	}
	if w.length < 0 && length >= 0 {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, length, 10), crlf...)
	}
	if w.chunked {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	b = w.connection(b, h)
	b = w.contentType(b, h, next)
	s.memory.head = append(b, crlf...)
}

// fields appends the handler's header, sorted, but for what the server decides.
func (w *response) fields(b []byte, h http.Header) []byte {
	var room [16]string
	keys := room[:0]
	for k := range h {
		if !w.decides(k) && isToken(k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		for _, v := range h[k] {
			b = append(b, k...)
			b = append(b, ": "...)
			b = append(b, clean(v)...)
			b = append(b, crlf...)
		}
	}
	return b
}

// decides reports whether the server decides about a field, and not the handler.
func (w *response) decides(key string) bool {
	switch key {
	case "Transfer-Encoding":
		return true
	case "Content-Length":
		return w.length < 0 || !hasBody(w.status)
	case "Content-Type":
		return w.status == http.StatusNotModified
	case "Connection":
		return w.x.last
	}
	return strings.HasPrefix(key, http.TrailerPrefix)
}

// connection appends what is to become of the connection.
func (w *response) connection(b []byte, h http.Header) []byte {
	switch {
	case w.x.last && !w.old:
		return append(b, "Connection: close\r\n"...)
	case !w.x.last && w.old && h.Get("Connection") == "":
		return append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

// contentType appends a type found out from the content, if the handler gave none.
func (w *response) contentType(b []byte, h http.Header, next []byte) []byte {
	_, typed := h["Content-Type"]
	if typed || !hasBody(w.status) || h.Get("Content-Encoding") != "" || h.Get("Transfer-Encoding") != "" {
		return b
	}
	start := w.page
	if len(start) == 0 {
		start = next
	} else if len(start) < sniffSize && len(next) > 0 {
		start = append(start[:len(start):len(start)], next[:min(len(next), sniffSize-len(start))]...)
	}
	if len(start) == 0 {
		return b
	}
	b = append(b, "Content-Type: "...)
	b = append(b, http.DetectContentType(start)...)
	return append(b, crlf...)
}

const sniffSize = 512 // bytes that http.DetectContentType looks at

// settleBody decides what becomes of the rest of the request's body: once an answer has begun, a client
// that waits for its end may never take it. As in net/http, a bounded rest is read first.
func (w *response) settleBody() {
	x := w.x
	switch {
	case x.body.expected: // which the client may now leave out
		x.body.expected = false
		x.last = true
	case !x.last && !x.body.busy:
		x.last = !x.body.discard()
	}
	x.body.closed = true
}

// announces reports whether a header announces trailers, or has some.
func announces(h http.Header) bool {
	if len(h["Trailer"]) > 0 {
		return true
	}
	for k := range h {
		if strings.HasPrefix(k, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// end returns the end of a chunked answer.
func (w *response) end() string {
	if !w.trailers && !announces(w.header) {
		return "0\r\n\r\n"
	}
	b := []byte("0\r\n")
	names := map[string]string{}
	for _, v := range w.declared() {
		for name := range strings.SplitSeq(v, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); isTrailer(name) {
				names[name] = name
			}
		}
	}
	for k := range w.header {
		if name, ok := strings.CutPrefix(k, http.TrailerPrefix); ok && isTrailer(name) {
			names[name] = k
		}
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		for _, v := range w.header[names[name]] {
			b = append(append(append(append(b, name...), ": "...), clean(v)...), crlf...)
		}
	}
	return string(append(b, crlf...))
}

const crlf = "\r\n"

// isTrailer reports whether a field may come behind a body: not those that say what it is, where it
// ends, or who asks (RFC 9110, section 6.5.1).
func isTrailer(name string) bool {
	switch name {
	case "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range",
		"Content-Type", "Expect", "Host", "Keep-Alive", "Max-Forwards", "Pragma", "Proxy-Authenticate",
		"Proxy-Authorization", "Proxy-Connection", "Range", "Realm", "Te", "Trailer", "Transfer-Encoding",
		"Www-Authenticate":
		return false
	}
	return isToken(name) && !strings.HasPrefix(name, "If-")
}

// declared returns the Trailer field as it was sent.
func (w *response) declared() []string {
	if w.snapshot != nil {
		return w.snapshot["Trailer"]
	}
	return w.header["Trailer"]
}

// clean makes a value fit for one line.
func clean(v string) string {
	if strings.ContainsAny(v, "\r\n") {
		v = strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
	}
	return strings.Trim(v, " \t")
}

// statusLine returns the end of a status line.
func statusLine(status int) string {
	if status == http.StatusOK {
		return "200 OK\r\n"
	}
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return strconv.Itoa(status) + " " + text + "\r\n"
}
