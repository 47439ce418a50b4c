package web

import (
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// parseHead makes a request of a head that was checked. It does what http.ReadRequest does, in a quarter
// of the time: that reads line by line from a buffer of its own, and allocates each value. FuzzParse holds
// the two against each other.
func parseHead(head []byte, kind *fields, r *http.Request, room *url.URL) error {
	text := string(head) // of which all strings below are parts
	r.Method, r.RequestURI = text[:kind.method], text[kind.method+1:kind.target]
	r.Proto, r.ProtoMajor, r.ProtoMinor, r.Body = "HTTP/1.1", 1, 1, http.NoBody
	if kind.old {
		r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	}
	if err := parseTarget(r.Method, r.RequestURI, room); err != nil {
		return err
	}
	r.URL, r.Close, r.ContentLength = room, kind.old, kind.length
	parseFields(text, kind, r)
	if room.Host != "" { // the target's wins (RFC 9112, section 3.2.2)
		r.Host = room.Host
	}
	if kind.coded {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
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
		if !unreserved[target[i]] {
			return false
		}
	}
	return target != "" && target[0] == '/'
}

// unreserved has what stands for itself in a path (RFC 3986, section 2.3), and what parts it.
var unreserved = setOf("-._~/")

// parseFields makes the header, without what is said elsewhere in the request.
func parseFields(text string, kind *fields, r *http.Request) {
	n := len(kind.marks) - kind.hosts
	if kind.coded {
		n--
	}
	r.Header = make(http.Header, n)
	values := make([]string, n) // of all fields, in one piece
	for i := range kind.marks {
		m := &kind.marks[i]
		key, value := m.key, text[m.value:m.end]
		switch key {
		case "Host":
			r.Host = value
			continue
		case "Transfer-Encoding":
			continue
		case "":
			key = textproto.CanonicalMIMEHeaderKey(text[m.name : m.name+m.size])
		}
		if before, ok := r.Header[key]; ok {
			r.Header[key] = append(before, value)
			continue
		}
		one := values[:1:1]
		values = values[1:]
		one[0] = value
		r.Header[key] = one
	}
	if n > 0 {
		interpret(r)
	}
}

// interpret applies what fields mean together, as http.ReadRequest does.
func interpret(r *http.Request) {
	if connection, ok := r.Header["Connection"]; ok {
		r.Close = hasToken(connection, "close") || r.ProtoMinor == 0 && !hasToken(connection, "keep-alive")
	}
	if p := r.Header["Pragma"]; len(p) > 0 && p[0] == "no-cache" {
		if _, ok := r.Header["Cache-Control"]; !ok {
			r.Header["Cache-Control"] = []string{"no-cache"}
		}
	}
}

// parse makes the request of what has arrived, whose head ends at end.
func (x *exchange) parse(b []byte, end int) error {
	c := x.conn
	m := &c.srv().memory
	var kind fields
	err := kind.check(b[:end], m.marks)
	if m.marks = kind.marks[:0]; err != nil {
		return err
	}
	x.ctx = requestContext{Task: x.job.Task(), x: x}
	x.req = *blank.WithContext(&x.ctx) // a copy that is not allocated, as nobody keeps it
	r := &x.req
	if err := parseHead(b[:end], &kind, r, &x.url); err != nil {
		var own *badHead
		if errors.As(err, &own) {
			return own
		}
		return bad(err.Error())
	}
	expect := first(r.Header["Expect"])
	if expect != "" && !strings.EqualFold(expect, "100-continue") {
		return errExpect
	}
	x.body = &c.srv().noBody
	if r.ContentLength != 0 {
		x.body = &body{expected: expect != "" && !kind.old}
		x.body.begin(x, b[end:])
	}
	if !c.asked {
		c.askTLS()
	}
	r.RemoteAddr, r.TLS = c.remote, c.tls
	x.answer.init(x)
	return nil
}

// blank is what requests are made from: only a copy can be given a context.
var blank = new(http.Request)

// askTLS asks once about TLS, whose handshake is done when a request has arrived.
func (c *conn) askTLS() {
	c.asked = true
	if state, ok := c.conn.TLS(); ok {
		kept := state
		c.tls = &kept
	}
}
