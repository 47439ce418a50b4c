package web

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// parseBodiless makes a request of a head that was checked, and after which no body follows. It does what
// http.ReadRequest does, in half the time: that reads line by line from a buffer of its own, and
// allocates each value. FuzzParse holds the two against each other. A request with a body is left to
// http.ReadRequest, whose readers of bodies come with it.
func parseBodiless(head []byte, r *http.Request, room *url.URL) error {
	text := string(head) // of which all strings below are parts
	line, rest := cutLine(text)
	method, line, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(line, " ")
	r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.Body = method, target, version, 1, http.NoBody
	if version == "HTTP/1.1" {
		r.ProtoMinor = 1
	}
	if err := parseTarget(target, room); err != nil {
		return err
	}
	r.URL = room
	r.Header, r.Host = parseFields(rest)
	if room.Host != "" { // the target's wins (RFC 9112, section 3.2.2)
		r.Host = room.Host
	}
	connection := r.Header["Connection"]
	r.Close = hasToken(connection, "close") || r.ProtoMinor == 0 && !hasToken(connection, "keep-alive")
	return nil
}

func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\r\n")
	return line, rest
}

// parseTarget parses a request's target.
func parseTarget(target string, into *url.URL) error {
	if path, query, asked := strings.Cut(target, "?"); plain(path) && (!asked || query != "") {
		*into = url.URL{Path: path, RawQuery: query}
		return nil
	}
	u, err := url.ParseRequestURI(target)
	if err == nil {
		*into = *u
	}
	return err
}

// plain reports whether a target is a path with nothing to unescape.
func plain(target string) bool {
	for i := range len(target) {
		if c := target[i]; !token[c] && c != '/' || strings.IndexByte("!#$%&'*+^`|", c) >= 0 {
			return false
		}
	}
	return target != "" && target[0] == '/'
}

// parseFields parses header fields, and takes the host out.
func parseFields(text string) (h http.Header, host string) {
	n := strings.Count(text, "\n") - 1
	h = make(http.Header, n)
	values := make([]string, n)
	for len(text) > 2 {
		var line string
		line, text = cutLine(text)
		name, value, _ := strings.Cut(line, ":")
		value = textproto.TrimString(value)
		key := canonical(name)
		if key == "Host" {
			host = value
			continue
		}
		if before, ok := h[key]; ok {
			h[key] = append(before, value)
			continue
		}
		one := values[:1:1]
		values = values[1:]
		one[0] = value
		h[key] = one
	}
	if p := h["Pragma"]; len(p) > 0 && p[0] == "no-cache" {
		if _, ok := h["Cache-Control"]; !ok {
			h["Cache-Control"] = []string{"no-cache"} // as http.ReadRequest does
		}
	}
	return h, host
}

// canonical is textproto.CanonicalMIMEHeaderKey, which allocates for what is not canonical: that is most
// of what load generators and proxies send in lower case.
func canonical(name string) string {
	if key, ok := common[name]; ok {
		return key
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

var common = func() map[string]string {
	m := map[string]string{}
	for _, key := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection",
		"Content-Type", "Cookie", "Host", "If-Modified-Since", "If-None-Match", "Origin", "Pragma", "Range",
		"Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "User-Agent", "X-Forwarded-For",
		"X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id",
	} {
		m[key], m[strings.ToLower(key)] = key, key
	}
	return m
}()

// parseWithBody makes a request with net/http, and the readers of its body.
func (x *exchange) parseWithBody(b []byte) (*http.Request, error) {
	x.source = source{x: x, ahead: b, lent: true}
	r := x.conn.srv().memory.reader(&x.source)
	req, err := http.ReadRequest(r)
	if err != nil || req.Body == http.NoBody {
		x.conn.srv().memory.giveReader(r)
		x.source.ahead = nil
		return req, err
	}
	x.body.x, x.body.from, x.body.reader = x, req.Body, r
	req.Body = &x.body
	return req, nil
}

// parse makes the request of what has arrived, whose head ends at end.
func (x *exchange) parse(b []byte, end int) error {
	c := x.conn
	kind, err := checkHead(b[:end])
	if err != nil {
		return err
	}
	x.ctx = requestContext{Task: x.job.Task(), x: x}
	if kind.bodiless() && !bytes.HasPrefix(b, []byte(http.MethodConnect)) {
		var room http.Request // stays on the stack
		if err = parseBodiless(b[:end], &room, &x.url); err == nil {
			x.req = room.WithContext(&x.ctx)
		}
	} else {
		var req *http.Request
		if req, err = x.parseWithBody(b); err == nil {
			x.req = req.WithContext(&x.ctx)
		}
	}
	if err != nil {
		return bad(strings.TrimPrefix(err.Error(), "malformed "))
	}
	x.body.done = x.body.from == nil
	if expect := x.req.Header["Expect"]; len(expect) > 0 && expect[0] != "" {
		if !strings.EqualFold(expect[0], "100-continue") {
			x.body.release()
			return errExpect
		}
		x.body.expected = x.req.ProtoAtLeast(1, 1) && !x.body.done
	}
	if c.tls == nil {
		if state, ok := c.conn.TLS(); ok {
			c.tls = &state
		}
	}
	x.req.RemoteAddr, x.req.TLS = c.remote, c.tls
	x.answer.init(x)
	return nil
}
