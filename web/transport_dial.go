package web

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// clientProxyTimeout is how long a proxy may take to reach a server.
const clientProxyTimeout = 30 * time.Second

// open makes a connection to a target, by way of its proxy if it has one.
func (tr *Transport) open(t *corolla.Task, g *clientTarget) (*aio.Conn, *tls.ConnectionState, error) {
	address := g.address
	if g.proxy != nil {
		address = clientAddress(g.proxy)
	}
	conn, err := tr.dial(t, address)
	if err != nil {
		return nil, nil, err
	}
	done := false
	defer func() {
		if !done {
			_ = conn.Abort() // or it is lost already
		}
	}()
	if g.proxy != nil && g.proxy.Scheme == "https" {
		if err := tr.secure(t, conn.ClientTLS, g.proxy.Hostname()); err != nil {
			return nil, nil, fmt.Errorf("web: proxy: %w", err)
		}
	}
	if g.proxy != nil && !g.absolute() {
		if err := tr.tunnel(t, conn, g); err != nil {
			return nil, nil, err
		}
	}
	var state *tls.ConnectionState
	if g.key.scheme == "https" {
		host, _, err := net.SplitHostPort(g.address)
		if err != nil {
			return nil, nil, err
		}
		start := conn.ClientTLS
		if g.proxy != nil && g.proxy.Scheme == "https" {
			start = conn.InnerTLS
		}
		if err := tr.secure(t, start, host); err != nil {
			return nil, nil, err
		}
		if s, ok := conn.TLS(); ok {
			state = &s
		}
	}
	done = true
	return conn, state, nil
}

func (tr *Transport) dial(t *corolla.Task, address string) (*aio.Conn, error) {
	if tr.Dial != nil {
		return tr.Dial(t, "tcp", address)
	}
	return aio.Dial(t, "tcp", address)
}

// starter is aio.Conn's ClientTLS or InnerTLS.
type starter func(*corolla.Task, *tls.Config, ...corolla.SocketOption) error

// secure starts TLS.
func (tr *Transport) secure(t *corolla.Task, start starter, host string) error {
	cfg := &tls.Config{}
	if tr.TLSClientConfig != nil {
		cfg = tr.TLSClientConfig.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	cfg.NextProtos = []string{"http/1.1"}
	return start(t, cfg, corolla.HandshakeTimeout(clientTime(tr.TLSHandshakeTimeout, corolla.DefaultHandshakeTimeout)))
}

// tunnel asks a proxy to connect to the target.
func (tr *Transport) tunnel(t *corolla.Task, conn *aio.Conn, g *clientTarget) error {
	err := t.Timeout(clientProxyTimeout, func(*corolla.Scope) error {
		if g.proxy.Scheme == "https" {
			return tr.connectThrough(t, conn, g)
		}
		_, err := corolla.Tunnel(conn.Socket(), g.proxy, tr.ProxyConnectHeader, g.address).Await(t)
		return err
	})
	switch {
	case errors.Is(err, corolla.ErrCanceled) || errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("web: proxy %s: %w", g.proxy.Host, err)
	case err != nil:
		return fmt.Errorf("web: %w", err)
	}
	return nil
}

// maxProxyHead is how long the head of a proxy's answer may be, in bytes, with those of interim ones.
const maxProxyHead = 16 << 10

// connectThrough is corolla.Tunnel to a proxy that is spoken to by TLS, which a socket knows nothing of.
func (tr *Transport) connectThrough(t *corolla.Task, conn *aio.Conn, g *clientTarget) error {
	b := fmt.Appendf(nil, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", g.address)
	for name, values := range tr.ProxyConnectHeader {
		if !isToken(name) || slices.ContainsFunc(values, clientControl) {
			return fmt.Errorf("proxy %s: malformed header field %q", g.proxy.Host, name) // the value may be a secret
		}
	}
	b = clientFields(b, tr.ProxyConnectHeader, true)
	b = append(clientAuthorization(b, g.proxy), crlf...)
	if _, err := conn.Write(t, b); err != nil {
		return err
	}
	for left := maxProxyHead; ; {
		conn.SetLimit(left)
		head, err := conn.ReadUntil(t, []byte("\r\n\r\n"))
		if err != nil {
			return fmt.Errorf("proxy %s: %w", g.proxy.Host, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), connecting)
		switch {
		case err != nil:
			return fmt.Errorf("proxy %s: %w", g.proxy.Host, err)
		case resp.StatusCode >= 200 && resp.StatusCode <= 299:
			return nil
		case resp.StatusCode < 100 || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			return fmt.Errorf("proxy %s: it answers %q", g.proxy.Host, resp.Status)
		}
		left -= len(head)
	}
}

// connecting is what is answered by a head and nothing more.
var connecting = &http.Request{Method: http.MethodConnect}
