package websocket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/gobwas/ws"
)

// maxAnswer is how many bytes a server may send in answer to Dial's request, with what follows it of a
// refusal's body.
const maxAnswer = 64 << 10

// Dial connects to a WebSocket server at a URL whose scheme is ws or wss (or http or https). It parks t
// until the server has answered, for at most HandshakeTimeout.
//
// The response is the server's, and nil if there was none. If it is not the one that a WebSocket server
// gives, the error matches ErrHandshake, and the response's Body has what the server said, up to 64 KiB
// with the header. Redirects are not followed. Its Body need not be closed.
func Dial(t *corolla.Task, rawURL string, opts ...Option) (*Conn, *http.Response, error) {
	cfg := configure(opts)
	r, key, err := cfg.request(rawURL)
	if err != nil {
		return nil, nil, err
	}
	var c *Conn
	var resp *http.Response
	body := func(*corolla.Scope) (err error) {
		c, resp, err = cfg.dial(t, r, key)
		return err
	}
	if cfg.handshake > 0 {
		err = t.Timeout(cfg.handshake, body)
	} else {
		err = t.Cancelable(body)
	}
	return c, resp, err
}

// request makes the request of a handshake.
func (c *config) request(rawURL string) (*http.Request, string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, "", err
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, "", handshakeError("the scheme of %q is not ws or wss", rawURL)
	}
	if u.Hostname() == "" || u.Fragment != "" { // RFC 6455, section 3
		return nil, "", handshakeError("%q has no host, or a fragment", rawURL)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", err
	}
	if c.header != nil {
		r.Header = c.header.Clone()
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	if password, ok := u.User.Password(); ok && r.Header.Get("Authorization") == "" {
		r.SetBasicAuth(u.User.Username(), password)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "") // net/http would add its own
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	key := base64.StdEncoding.EncodeToString(nonce)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": key,
		"Sec-Websocket-Protocol": strings.Join(c.protocols, ", "),
	} {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	if r.Header.Del("Sec-Websocket-Extensions"); c.deflate {
		r.Header.Set("Sec-Websocket-Extensions", deflateOffer)
	}
	return r, key, nil
}

func (c *config) connect(t *corolla.Task, u *url.URL) (*aio.Conn, error) {
	port := u.Port()
	if u.Scheme == "http" {
		if port == "" {
			port = "80"
		}
		return aio.Dial(t, "tcp", net.JoinHostPort(u.Hostname(), port), c.socket...)
	}
	if port == "" {
		port = "443"
	}
	y := new(tls.Config)
	if c.tls != nil {
		y = c.tls.Clone()
	}
	if len(y.NextProtos) == 0 {
		y.NextProtos = []string{"http/1.1"}
	}
	return aio.DialTLS(t, "tcp", net.JoinHostPort(u.Hostname(), port), y, c.socket...)
}

func (c *config) dial(t *corolla.Task, r *http.Request, key string) (*Conn, *http.Response, error) {
	conn, err := c.connect(t, r.URL)
	if err != nil {
		return nil, nil, err
	}
	keep := false
	defer func() { // a panic may unwind t
		if !keep {
			_ = conn.Close()
		}
	}()
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		return nil, nil, err
	}
	if _, err := conn.Write(t, text.Bytes()); err != nil {
		return nil, nil, err
	}
	limited := &io.LimitedReader{R: conn.Bind(t), N: maxAnswer}
	br := bufio.NewReader(limited)
	resp, err := http.ReadResponse(br, r)
	if err != nil {
		if limited.N <= 0 {
			err = handshakeError("the answer is longer than %d bytes", maxAnswer)
		}
		return nil, nil, err
	}
	agreed, err := c.checkResponse(resp, key)
	if err != nil {
		if resp.StatusCode != http.StatusSwitchingProtocols {
			b, _ := io.ReadAll(resp.Body) // as far as it comes
			resp.Body = io.NopCloser(bytes.NewReader(b))
		}
		return nil, resp, err
	}
	unread, _ := br.Peek(br.Buffered()) // it is there
	keep = true
	resp.Body = http.NoBody
	return newConn(conn, ws.StateClientSide, c, agreed, bytes.Clone(unread)), resp, nil
}

// checkResponse reads what the server has agreed to (RFC 6455, section 4.1).
func (c *config) checkResponse(r *http.Response, key string) (a agreement, err error) {
	h := r.Header
	switch {
	case r.StatusCode != http.StatusSwitchingProtocols:
		return a, handshakeError("the server has answered %s", r.Status)
	case !hasToken(h["Connection"], "upgrade") || len(h["Upgrade"]) != 1 || !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return a, handshakeError("the server has not switched to a WebSocket")
	case !slices.Equal(h["Sec-Websocket-Accept"], []string{acceptKey(key)}):
		return a, handshakeError("the server has not read the key")
	}
	if chosen := h["Sec-Websocket-Protocol"]; len(chosen) > 0 {
		if a.protocol = chosen[0]; len(chosen) > 1 || !slices.Contains(c.protocols, a.protocol) {
			return a, handshakeError("the server has chosen the subprotocols %q, of %q", chosen, c.protocols)
		}
	}
	a.window = fullWindow
	a.deflate, err = checkDeflate(h["Sec-Websocket-Extensions"], c.deflate)
	return a, err
}
