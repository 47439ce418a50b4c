package corolla

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
)

// Connections through proxies are made below everything else: Dial returns a Socket that is connected to
// the target, and TLS, protocols and tasks need not know. golang.org/x/net/proxy was rejected: it wants a
// net.Conn whose calls wait, hence a task for each connection that is being made, starts a goroutine when
// it is given a context that can end, and knows SOCKS5 only.

// DialProxy has Dial connect to the address by way of a proxy, which looks names up itself. The URL's scheme
// is "socks5" or "socks5h", for SOCKS5 (RFC 1928), or "http", for a CONNECT request; the default ports are
// 1080 and 80. It may have a user and a password. Given several times, the first proxy is asked to connect to
// the second, and so on.
//
// DialTimeout covers it all. The options for sockets, and the 4 or 6 of a network, are for the connection to
// the first proxy, whose address is the Socket's PeerAddr. TLS between the program and the proxy is not
// supported. Errors name the proxy, never the password.
func DialProxy(proxy *url.URL) SocketOption {
	return func(o *socketOptions) {
		if _, err := proxyAddress(proxy); err != nil {
			o.errs = append(o.errs, fmt.Errorf("corolla: DialProxy: %w", err))
			return
		}
		o.through = append(slices.Clip(o.through), proxy)
	}
}

// hop is a proxy, and the address that it is asked to connect to.
type hop struct {
	proxy  *url.URL
	target string
}

// hops returns the way to an address through proxies, and the address where it begins.
func hops(through []*url.URL, network, address string) (first string, way []hop, err error) {
	if len(through) == 0 {
		return address, nil, nil
	}
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return "", nil, fmt.Errorf("a proxy cannot connect to %w", net.UnknownNetworkError(network))
	}
	next := address
	for _, proxy := range slices.Backward(through) {
		way = append(way, hop{proxy, next})
		if next, err = proxyAddress(proxy); err != nil {
			return "", nil, err
		}
	}
	slices.Reverse(way)
	return next, way, nil
}

// proxyAddress returns the address of a proxy.
func proxyAddress(proxy *url.URL) (string, error) {
	if proxy == nil {
		return "", errors.New("a proxy without a URL")
	}
	port := proxy.Port()
	switch proxy.Scheme {
	case "socks5", "socks5h":
		if port == "" {
			port = "1080"
		}
	case "http":
		if port == "" {
			port = "80"
		}
	default:
		return "", fmt.Errorf("unsupported scheme %q of a proxy: want socks5, socks5h or http", proxy.Scheme)
	}
	if proxy.Hostname() == "" {
		return "", errors.New("a proxy without a host")
	}
	return net.JoinHostPort(proxy.Hostname(), port), nil
}

// Tunnel asks a proxy, to which s is connected, to connect to an address: when the future resolves, what is
// read and written is the target's. Nothing that the target sends is lost. header, which may be nil, is sent
// with a CONNECT request. Nobody else may use s meanwhile: the future fails with ErrBusy if somebody waits
// to read it. After an error, or if the future is canceled, s is good only for Close. It takes as long as the
// proxy likes: cancel it when that is too long. DialProxy does all of this.
func Tunnel(s *Socket, proxy *url.URL, header map[string][]string, address string) *Future[struct{}] {
	s.loop.check("Tunnel")
	t := &tunnel{sock: s, result: NewFuture[struct{}](s.loop), proxy: proxy}
	t.result.OnCancel(func(cause error) { t.end(&CanceledError{Cause: cause}) })
	if err := t.talk.begin(proxy, header, address); err != nil {
		t.fail(err)
		return t.result
	}
	t.write()
	if !t.result.done {
		t.read()
	}
	return t.result
}

// tunnel is a Tunnel in the making.
type tunnel struct {
	sock   *Socket
	proxy  *url.URL
	talk   proxyTalk
	result *Future[struct{}]

	reads, writes bool // it waits to
}

// write sends what there is to say.
func (t *tunnel) write() {
	t.writes = false
	for len(t.talk.say) > 0 {
		n, err := t.sock.TryWrite(t.talk.say)
		t.talk.say = t.talk.say[n:]
		if err == ErrWouldBlock {
			if err = t.sock.OnceWritable(t.write); err == nil {
				t.writes = true
				return
			}
		}
		if err != nil {
			t.fail(err)
			return
		}
	}
}

// read reads what the answer lacks, and nothing behind it: that is for whoever gets the socket.
func (t *tunnel) read() {
	t.reads = false
	for !t.result.done {
		have := len(t.talk.got)
		n, err := t.talk.lacks(t.talk.got)
		if err == nil && n == 0 {
			if over, err := t.talk.next(); over || err != nil {
				t.fail(err)
				return
			}
			t.write()
			continue
		}
		if err == nil {
			t.talk.got = slices.Grow(t.talk.got, n)
			n, err = t.sock.TryRead(t.talk.got[have : have+n])
			t.talk.got = t.talk.got[:have+n]
		}
		if err == ErrWouldBlock || err == nil && t.sock.loop.Overdue() {
			if err = t.sock.OnceReadable(t.read); err == nil {
				t.reads = true
				return
			}
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			t.fail(err)
			return
		}
	}
}

// fail settles the result, with an error that says whose it is if there is one.
func (t *tunnel) fail(err error) {
	if err != nil {
		where := "none"
		if t.proxy != nil {
			where = t.proxy.Scheme + "://" + t.proxy.Host
		}
		err = fmt.Errorf("proxy %s: connect to %s: %w", where, t.talk.target, err)
	}
	t.end(err)
}

func (t *tunnel) end(err error) {
	if t.result.done {
		return
	}
	if t.reads {
		_ = t.sock.OnceReadable(nil) // taking back cannot fail
	}
	if t.writes {
		_ = t.sock.OnceWritable(nil)
	}
	t.result.settleOnce(struct{}{}, err)
}
