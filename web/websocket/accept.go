package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/corolla-go/corolla/green"
	"github.com/gobwas/ws"
)

// Accept turns the request of a handler into a WebSocket. If the request does not ask for one, or not as
// it should (RFC 6455, section 4.2), or comes from a web page of another origin, Accept answers with the
// fitting status, and returns an error that matches ErrHandshake.
//
// A browser sends its cookies to any host that a page tells it to connect to, so by default a request with
// an Origin is only taken if that has the request's own Host. AllowOrigins allows others.
//
// The fields in w.Header() go out with the answer. The server must hand over a *green.Conn when its
// connection is hijacked, as web.Server does; with another, Accept closes the connection and returns an
// error. It may wait, as w does.
//
// The connection is the caller's to close: defer its CloseNow.
func Accept(w http.ResponseWriter, r *http.Request, opts ...Option) (*Conn, error) {
	cfg := configure(opts)
	if status, err := cfg.checkRequest(w, r); err != nil {
		w.Header().Set("Connection", "close") // so that a body, which must not be there, is not waited for
		http.Error(w, err.Error(), status)
		return nil, err
	}
	agreed := agreement{protocol: cfg.choose(r.Header["Sec-Websocket-Protocol"])}
	answer := answerHeader(w.Header(), r.Header.Get("Sec-WebSocket-Key"))
	if agreed.protocol != "" {
		answer.Set("Sec-WebSocket-Protocol", agreed.protocol)
	}
	if cfg.deflate {
		response, window, ok := acceptDeflate(r.Header["Sec-Websocket-Extensions"])
		if ok {
			agreed.deflate, agreed.window = true, window
			answer.Set("Sec-WebSocket-Extensions", response)
		}
	}
	c, unread, err := hijack(w)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = answer.Write(&text) // a bytes.Buffer never fails
	text.WriteString("\r\n")
	if _, err := c.Write(text.Bytes()); err != nil {
		_ = c.Close()
		return nil, err
	}
	return newConn(c.AIO(), ws.StateServerSide, cfg, agreed, unread), nil
}

// hijack takes a connection over, with what was read ahead of it.
func hijack(w http.ResponseWriter) (*green.Conn, []byte, error) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this server cannot be asked for a WebSocket", http.StatusNotImplemented)
		return nil, nil, handshakeError("hijack: %w", err)
	}
	g, ok := c.(*green.Conn)
	if !ok {
		_ = c.Close()
		return nil, nil, handshakeError("the server's connections are %T, and must be *green.Conn: use package web", c)
	}
	var unread []byte
	if n := rw.Reader.Buffered(); n > 0 {
		b, _ := rw.Reader.Peek(n) // it is there
		unread = bytes.Clone(b)
	}
	return g, unread, nil
}

// checkRequest returns what to answer to a request that cannot be accepted, and why.
func (c *config) checkRequest(w http.ResponseWriter, r *http.Request) (status int, err error) {
	key, keyErr := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	h := w.Header()
	switch {
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		return http.StatusMethodNotAllowed, handshakeError("the method is %s, and must be GET", r.Method)
	case r.ProtoMajor != 1 || r.ProtoMinor < 1 || !hasToken(r.Header["Connection"], "upgrade") || !hasToken(r.Header["Upgrade"], "websocket"):
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		return http.StatusUpgradeRequired, handshakeError("the request does not ask for a WebSocket")
	case !slices.Equal(r.Header["Sec-Websocket-Version"], []string{"13"}):
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
		return http.StatusUpgradeRequired, handshakeError("the version must be 13")
	case len(r.Header["Sec-Websocket-Key"]) != 1 || keyErr != nil || len(key) != 16:
		return http.StatusBadRequest, handshakeError("the key is not 16 bytes in base64")
	case r.Host == "":
		return http.StatusBadRequest, handshakeError("the request has no Host")
	case r.ContentLength != 0:
		return http.StatusBadRequest, handshakeError("the request has a body")
	case !c.allows(r.Header["Origin"], r.Host):
		return http.StatusForbidden, handshakeError("the origin %q may not connect", r.Header["Origin"])
	}
	return 0, nil
}

// hasToken looks for a token in a header that is a list of them.
func hasToken(fields []string, token string) bool {
	for _, f := range fields {
		for item := range strings.SplitSeq(f, ",") {
			if strings.EqualFold(textproto.TrimString(item), token) {
				return true
			}
		}
	}
	return false
}

// allows reports whether a page of the origin may connect. Programs other than browsers send no origin.
func (c *config) allows(origin []string, host string) bool {
	if len(origin) == 0 || slices.Contains(c.origins, "*") {
		return true
	}
	u, err := url.Parse(origin[0])
	if err != nil || len(origin) > 1 || u.Host == "" {
		return false // "null" too
	}
	if sameHost(u.Scheme, u.Host, host) {
		return true
	}
	return slices.ContainsFunc(c.origins, func(allowed string) bool {
		scheme, host, whole := strings.Cut(allowed, "://")
		if !whole {
			scheme, host = u.Scheme, allowed
		}
		if parent, ok := strings.CutPrefix(host, "*"); ok && strings.HasPrefix(parent, ".") {
			return strings.EqualFold(scheme, u.Scheme) && len(u.Host) > len(parent) &&
				strings.EqualFold(u.Host[len(u.Host)-len(parent):], parent)
		}
		return strings.EqualFold(scheme, u.Scheme) && sameHost(u.Scheme, u.Host, host)
	})
}

// sameHost compares two hosts, of which either may leave out the port that the scheme implies.
func sameHost(scheme, a, b string) bool {
	port := map[string]string{"http": ":80", "https": ":443"}[strings.ToLower(scheme)]
	return strings.EqualFold(strings.TrimSuffix(a, port), strings.TrimSuffix(b, port))
}

// choose returns the first of our subprotocols that the client speaks too.
func (c *config) choose(offered []string) string {
	for _, name := range c.protocols {
		for _, f := range offered {
			for item := range strings.SplitSeq(f, ",") {
				if textproto.TrimString(item) == name { // names are case-sensitive
					return name
				}
			}
		}
	}
	return ""
}

// answerHeader returns the fields of the answer: the handler's, and those of the handshake.
func answerHeader(handler http.Header, key string) http.Header {
	h := handler.Clone()
	if h == nil {
		h = http.Header{}
	}
	for _, name := range []string{
		"Content-Length", "Content-Type", "Transfer-Encoding", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol",
	} {
		h.Del(name)
	}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-WebSocket-Accept", acceptKey(key))
	return h
}

// acceptKey proves that a server has read a key (RFC 6455, section 1.3).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
