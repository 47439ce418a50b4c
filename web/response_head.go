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
	var room [maxSorted]string
	has := survey(h, room[:0])
	if s.stopping || s.closeAll || s.give != nil && x.conn.stays() || hasToken(has.connection, "close") {
		x.last = true
	}
	if !x.body.done && !w.fullDuplex {
		w.settleBody()
	}
	if last && x.body.busy { // with another task, and the connection will be closed under it
		x.last = true
	}
	w.trailers = has.trailers
	length := w.length
	if last && length < 0 && !w.trailers && hasBody(w.status) && (!w.head || len(w.page) > 0) {
		length = int64(len(w.page))
	}
	bare := !hasBody(w.status)
	switch {
	case bare, w.head, length >= 0:
	case w.old, has.coding == "identity":
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
	b = w.fields(b, h, has.keys)
	if !has.date {
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
	b = w.connection(b, first(has.connection))
	if !has.content && has.coding == "" && !bare {
		b = w.contentType(b, next)
	}
	s.memory.head = append(b, crlf...)
}

// surveyed is what the server wants to know of a header, in one pass.
type surveyed struct {
	keys       []string // that may be sent, in their order
	connection []string
	coding     string // of Transfer-Encoding
	date       bool
	content    bool // its type is given, or needs not be, as it is encoded
	trailers   bool // are announced, or there are some
}

// maxSorted is how many keys are sorted without allocating.
const maxSorted = 16

// survey looks through a header.
func survey(h http.Header, room []string) (s surveyed) {
	s.keys = room
	for _, k := range [...]string{"Content-Length", "Content-Type"} { // often there are no more
		if _, ok := h[k]; ok {
			s.keys = append(s.keys, k)
			s.content = k == "Content-Type"
		}
	}
	if len(s.keys) == len(h) {
		return s
	}
	s.keys = room
	for k, v := range h {
		switch k {
		case "Content-Length":
		case "Connection":
			s.connection = v
		case "Content-Type":
			s.content = true
		case "Content-Encoding":
			s.content = s.content || first(v) != ""
		case "Date":
			s.date = true
		case "Trailer":
			s.trailers = s.trailers || len(v) > 0
		case "Transfer-Encoding":
			s.coding = first(v)
			continue
		default:
			if strings.HasPrefix(k, http.TrailerPrefix) {
				s.trailers = true
				continue
			}
			if !isToken(k) {
				continue
			}
		}
		s.keys = append(s.keys, k)
	}
	if len(s.keys) > 1 {
		slices.Sort(s.keys)
	}
	return s
}

// first returns a field's first value, or "".
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// fields appends the handler's header, but for what the server decides.
func (w *response) fields(b []byte, h http.Header, keys []string) []byte {
	for _, k := range keys {
		if w.decides(k) {
			continue
		}
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
	case "Content-Length":
		return w.length < 0 || !hasBody(w.status)
	case "Content-Type":
		return w.status == http.StatusNotModified
	case "Connection":
		return w.x.last
	}
	return false
}

// connection appends what is to become of the connection.
func (w *response) connection(b []byte, given string) []byte {
	switch {
	case w.x.last && !w.old:
		return append(b, "Connection: close\r\n"...)
	case !w.x.last && w.old && given == "":
		return append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

// contentType appends a type found out from the content.
func (w *response) contentType(b []byte, next []byte) []byte {
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
	if n := len(v); n > 0 && v[0] > ' ' && v[n-1] > ' ' && strings.IndexByte(v, '\r') < 0 && strings.IndexByte(v, '\n') < 0 {
		return v
	}
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
