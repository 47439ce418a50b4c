package web

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What a request is sent to, and its head. http.Request.Write was rejected: it may start a goroutine
// that reads the body, and holds it back by a channel.

// clientTarget says where a request goes.
type clientTarget struct {
	key     clientKey
	proxy   *url.URL // or nil
	address string   // of the server, with a port
	host    string   // for the Host header
}

// absolute reports whether a proxy is sent the whole URL.
func (g *clientTarget) absolute() bool {
	return g.proxy != nil && g.key.scheme == "http" && strings.HasPrefix(g.proxy.Scheme, "http")
}

// target finds out where a request goes.
func (tr *Transport) target(req *http.Request) (*clientTarget, error) {
	g := &clientTarget{address: clientAddress(req.URL), host: req.Host}
	if g.host == "" {
		g.host = req.URL.Host
	}
	g.host = clientWithoutZone(g.host)
	if !isHost([]byte(g.host)) || !isHost([]byte(clientWithoutZone(req.URL.Host))) {
		return nil, fmt.Errorf("web: invalid host %q: if it is an international name, convert it to ASCII", g.host)
	}
	g.key = clientKey{scheme: req.URL.Scheme, address: g.address}
	if tr.Proxy == nil {
		return g, nil
	}
	proxy, err := tr.Proxy(req)
	if err != nil || proxy == nil {
		return g, err
	}
	switch proxy.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, fmt.Errorf("web: unsupported proxy scheme %q", proxy.Scheme)
	}
	if proxy.Host == "" {
		return nil, errors.New("web: a proxy without a host")
	}
	g.proxy, g.key.proxy = proxy, proxy.String()
	if g.absolute() {
		g.key.address = ""
	}
	return g, nil
}

var clientPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// clientAddress returns the host and port of a URL.
func clientAddress(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), clientPorts[u.Scheme])
}

// clientWithoutZone removes the zone of an IPv6 address, which is of no concern to others (RFC 6874).
func clientWithoutZone(host string) string {
	if end := strings.LastIndexByte(host, ']'); end > 0 && host[0] == '[' {
		if zone := strings.LastIndexByte(host[:end], '%'); zone > 0 {
			return host[:zone] + host[end:]
		}
	}
	return host
}

// appendHead appends the head of the request.
func (x *clientCall) appendHead(b []byte) ([]byte, error) {
	req := x.req
	b, err := x.appendLine(b)
	if err != nil {
		return b, err
	}
	b = clientField(b, "Host", x.target.host)
	if agents, ok := req.Header["User-Agent"]; !ok {
		b = clientField(b, "User-Agent", "corolla")
	} else if len(agents) > 0 && agents[0] != "" {
		b = clientField(b, "User-Agent", agents[0])
	}
	b = x.appendFraming(b)
	b = clientFields(b, req.Header, true)
	x.unzip = !x.conn.tr.DisableCompression && req.Method != http.MethodHead &&
		req.Header.Get("Accept-Encoding") == "" && req.Header.Get("Range") == ""
	if x.unzip {
		b = clientField(b, "Accept-Encoding", "gzip")
	}
	if x.closes() && !hasToken(req.Header["Connection"], "close") {
		b = clientField(b, "Connection", "close")
	}
	if x.target.absolute() && req.Header.Get("Proxy-Authorization") == "" {
		b = clientAuthorization(b, x.target.proxy)
	}
	return append(b, crlf...), nil
}

func (x *clientCall) appendLine(b []byte) ([]byte, error) {
	req := x.req
	uri := req.URL.RequestURI()
	switch {
	case x.target.absolute() && req.URL.Opaque == "":
		uri = req.URL.Scheme + "://" + x.target.host + uri
	case req.Method == http.MethodConnect && req.URL.Path == "":
		if uri = x.target.host; req.URL.Opaque != "" {
			uri = req.URL.Opaque
		}
	}
	if clientControl(uri) || strings.ContainsAny(uri, " \t") {
		return b, errors.New("web: a space or control character in a request's URL")
	}
	if req.Method == "" {
		b = append(b, http.MethodGet...)
	} else {
		b = append(b, req.Method...)
	}
	b = append(b, ' ')
	b = append(b, uri...)
	return append(b, " HTTP/1.1\r\n"...), nil
}

// appendFraming appends what says where the body ends.
func (x *clientCall) appendFraming(b []byte) []byte {
	switch {
	case x.length == clientChunked:
		b = clientField(b, "Transfer-Encoding", "chunked")
		if len(x.req.Trailer) > 0 {
			b = clientField(b, "Trailer", strings.Join(x.trailers(), ","))
		}
	case x.length > 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, x.length, 10)
		b = append(b, crlf...)
	case x.length == 0:
		switch x.req.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			b = clientField(b, "Content-Length", "0")
		}
	}
	return b
}

// trailers returns the names of the trailer's fields that may be sent.
func (x *clientCall) trailers() []string {
	names := make([]string, 0, len(x.req.Trailer))
	for name := range x.req.Trailer {
		if isTrailer(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// appendTrailer appends the end of a chunked body.
func (x *clientCall) appendTrailer(b []byte) []byte {
	b = append(b, "0\r\n"...)
	for _, name := range x.trailers() {
		for _, v := range x.req.Trailer[name] {
			b = clientField(b, name, clean(v)) // set since the request was checked
		}
	}
	return append(b, crlf...)
}

// clientFields appends a header in the order of the names, so that the same request is always the same
// bytes; without what the client itself decides about, if own is set.
func clientFields(b []byte, h http.Header, own bool) []byte {
	var room [16]string
	names := room[:0]
	for name := range h {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
			if own {
				continue
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			b = clientField(b, name, v)
		}
	}
	return b
}

func clientField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, strings.Trim(value, " \t")...)
	return append(b, crlf...)
}

// clientAuthorization appends the credentials for a proxy, if its URL has any.
func clientAuthorization(b []byte, proxy *url.URL) []byte {
	if proxy.User == nil {
		return b
	}
	password, _ := proxy.User.Password()
	text := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
	return clientField(b, "Proxy-Authorization", "Basic "+text)
}
