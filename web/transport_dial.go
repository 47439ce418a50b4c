package web

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
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
		if err := tr.secure(t, conn, g.proxy.Hostname()); err != nil {
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
		if err := tr.secure(t, conn, host); err != nil {
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

// secure starts TLS.
func (tr *Transport) secure(t *corolla.Task, conn *aio.Conn, host string) error {
	cfg := &tls.Config{}
	if tr.TLSClientConfig != nil {
		cfg = tr.TLSClientConfig.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	cfg.NextProtos = []string{"http/1.1"}
	return conn.ClientTLS(t, cfg, corolla.HandshakeTimeout(clientTime(tr.TLSHandshakeTimeout, corolla.DefaultHandshakeTimeout)))
}

// tunnel asks a proxy to connect to the target.
func (tr *Transport) tunnel(t *corolla.Task, conn *aio.Conn, g *clientTarget) error {
	err := t.Timeout(clientProxyTimeout, func(*corolla.Scope) error {
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
