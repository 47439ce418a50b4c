package web

import (
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// parseHead makes a request of a head that was checked. It does what http.ReadRequest does, in half the
// time: that reads line by line from a buffer of its own, and allocates each value. FuzzParse holds the two
// against each other.
func parseHead(head []byte, kind fields, r *http.Request, room *url.URL) error {
	text := string(head) // of which all strings below are parts
	line, rest := cutLine(text)
	method, line, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(line, " ")
	r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.Body = method, target, version, 1, http.NoBody
	if version == "HTTP/1.1" {
		r.ProtoMinor = 1
	}
	if err := parseTarget(method, target, room); err != nil {
		return err
	}
	r.URL = room
	r.Header, r.Host = parseFields(rest)
	if room.Host != "" { // the target's wins (RFC 9112, section 3.2.2)
		r.Host = room.Host
	}
	connection := r.Header["Connection"]
	r.Close = hasToken(connection, "close") || r.ProtoMinor == 0 && !hasToken(connection, "keep-alive")
	r.ContentLength = kind.length
	if kind.coded {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		delete(r.Header, "Transfer-Encoding")
		return parseTrailer(r)
	}
	return nil
}

// parseTrailer makes room for the trailers that a header announces.
func parseTrailer(r *http.Request) error {
	announced, ok := r.Header["Trailer"]
	if !ok {
		return nil
	}
	delete(r.Header, "Trailer")
	trailer := make(http.Header)
	for _, list := range announced {
		for name := range strings.SplitSeq(list, ",") {
			if name = canonical(textproto.TrimString(name)); name == "" {
				continue
			}
			switch name {
			case "Transfer-Encoding", "Trailer", "Content-Length":
				return bad("a trailer that may not be one")
			}
			trailer[name] = nil
		}
	}
	if len(trailer) > 0 {
		r.Trailer = trailer
	}
	return nil
}

func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\r\n")
	return line, rest
}

// parseTarget parses a request's target.
func parseTarget(method, target string, into *url.URL) error {
	if method == http.MethodConnect && target[0] != '/' { // a host and a port, and nothing else
		u, err := url.ParseRequestURI("http://" + target)
		if err == nil {
			*into = *u
			into.Scheme = ""
		}
		return err
	}
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

// parse makes the request of what has arrived, whose head ends at end.
func (x *exchange) parse(b []byte, end int) error {
	c := x.conn
	kind, err := checkHead(b[:end])
	if err != nil {
		return err
	}
	var room http.Request // stays on the stack
	if err := parseHead(b[:end], kind, &room, &x.url); err != nil {
		var own *badHead
		if errors.As(err, &own) {
			return own
		}
		return bad(err.Error())
	}
	expected := false
	if expect := room.Header["Expect"]; len(expect) > 0 && expect[0] != "" {
		if !strings.EqualFold(expect[0], "100-continue") {
			return errExpect
		}
		expected = room.ProtoMinor == 1
	}
	x.ctx = requestContext{Task: x.job.Task(), x: x}
	x.req = room.WithContext(&x.ctx)
	x.body.done = x.req.ContentLength == 0
	if !x.body.done {
		x.body.expected = expected
		x.body.begin(x, b[end:])
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
