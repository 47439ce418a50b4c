package web

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
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
		if g.proxy.Scheme == "http" {
			return tr.connectBy(t, conn, g)
		}
		return clientSOCKS(t, conn, g)
	})
	if err != nil {
		return fmt.Errorf("web: proxy %s: %w", g.proxy.Host, err)
	}
	return nil
}

// connectBy sends a CONNECT request.
func (tr *Transport) connectBy(t *corolla.Task, conn *aio.Conn, g *clientTarget) error {
	b := []byte("CONNECT " + g.address + " HTTP/1.1\r\n")
	b = clientField(b, "Host", g.address)
	b = clientFields(b, tr.ProxyConnectHeader, false)
	b = append(clientAuthorization(b, g.proxy), crlf...)
	if _, err := conn.Write(t, b); err != nil {
		return err
	}
	most := tr.MaxResponseHeaderBytes
	if most <= 0 {
		most = DefaultMaxResponseHeaderBytes
	}
	in := bufio.NewReader(io.LimitReader(conn.Bind(t), most))
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("CONNECT %s: %s", g.address, resp.Status)
	case in.Buffered() > 0:
		return fmt.Errorf("CONNECT %s: unexpected data", g.address)
	}
	return nil
}

// The words of SOCKS5 (RFC 1928), and of its authentication by a password (RFC 1929).
const (
	socksVersion  = 5
	socksNone     = 0
	socksPassword = 2
	socksConnect  = 1
	socksIPv4     = 1
	socksName     = 3
	socksIPv6     = 4
)

// clientSOCKS connects by way of a SOCKS5 proxy, which looks names up itself.
func clientSOCKS(t *corolla.Task, conn *aio.Conn, g *clientTarget) error {
	methods := []byte{socksVersion, 1, socksNone}
	if g.proxy.User != nil {
		methods = []byte{socksVersion, 2, socksNone, socksPassword}
	}
	answer, err := socksAsk(t, conn, methods, 2)
	switch {
	case err != nil:
		return err
	case answer[0] != socksVersion:
		return errors.New("SOCKS: not a SOCKS5 proxy")
	case answer[1] == socksPassword && g.proxy.User != nil:
		if err := socksLogin(t, conn, g.proxy.User); err != nil {
			return err
		}
	case answer[1] != socksNone:
		return errors.New("SOCKS: the proxy wants another kind of authentication")
	}
	request, err := socksRequest(g.address)
	if err != nil {
		return err
	}
	if answer, err = socksAsk(t, conn, request, 4); err != nil {
		return err
	}
	if answer[1] != 0 {
		return fmt.Errorf("SOCKS: the proxy could not connect to %s: status %d", g.address, answer[1])
	}
	return socksSkip(t, conn, answer[3])
}

// socksAsk sends a message and reads n bytes.
func socksAsk(t *corolla.Task, conn *aio.Conn, message []byte, n int) ([]byte, error) {
	if _, err := conn.Write(t, message); err != nil {
		return nil, err
	}
	answer := make([]byte, n)
	_, err := conn.ReadFull(t, answer)
	return answer, err
}

func socksLogin(t *corolla.Task, conn *aio.Conn, user *url.Userinfo) error {
	name := user.Username()
	password, _ := user.Password()
	if len(name) > 255 || len(password) > 255 {
		return errors.New("SOCKS: a name or password of more than 255 bytes")
	}
	b := append([]byte{1, byte(len(name))}, name...)
	b = append(append(b, byte(len(password))), password...)
	answer, err := socksAsk(t, conn, b, 2)
	if err == nil && answer[1] != 0 {
		err = errors.New("SOCKS: the proxy refuses the password")
	}
	return err
}

func socksRequest(address string) ([]byte, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, err
	}
	b := []byte{socksVersion, socksConnect, 0}
	if ip := net.ParseIP(host); ip.To4() != nil {
		b = append(append(b, socksIPv4), ip.To4()...)
	} else if ip != nil {
		b = append(append(b, socksIPv6), ip...)
	} else if len(host) > 255 {
		return nil, errors.New("SOCKS: a host name of more than 255 bytes")
	} else {
		b = append(append(b, socksName, byte(len(host))), host...)
	}
	return append(b, byte(port>>8), byte(port)), nil
}

// socksSkip reads the address that ends a proxy's answer.
func socksSkip(t *corolla.Task, conn *aio.Conn, kind byte) error {
	n := 0
	switch kind {
	case socksIPv4:
		n = net.IPv4len
	case socksIPv6:
		n = net.IPv6len
	case socksName:
		var length [1]byte
		if _, err := conn.ReadFull(t, length[:]); err != nil {
			return err
		}
		n = int(length[0])
	default:
		return errors.New("SOCKS: malformed answer")
	}
	_, err := conn.ReadFull(t, make([]byte, n+2)) // the port too
	return err
}
