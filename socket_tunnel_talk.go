package corolla

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// proxyTalk is the client's side of what is said to a proxy, without any I/O: SOCKS5 (RFC 1928, and RFC
// 1929 for the password) or a CONNECT request (RFC 9110, 9.3.6). It never asks for a byte more than the
// answer is sure to have, since what comes behind is the target's.
type proxyTalk struct {
	target string
	user   *url.Userinfo
	host   string
	port   uint16
	heads  int // bytes of interim responses

	say   []byte                        // what is yet to be sent
	got   []byte                        // what has come of the answer
	lacks func(got []byte) (int, error) // how many bytes, at least, the answer lacks
	heard func(got []byte) error        // takes the answer, and says more; nil once it is over
}

// maxProxyAnswer is how long the head of a proxy's answer may be, in bytes.
const maxProxyAnswer = 16 << 10

var errEarlyAnswer = errors.New("it answers before it was asked")

// begin prepares the first message.
func (p *proxyTalk) begin(proxy *url.URL, header map[string][]string, address string) error {
	p.target = address
	if _, err := proxyAddress(proxy); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q: want a number", port)
	}
	if host == "" || len(host) > 255 || strings.ContainsFunc(host, notInHost) {
		return fmt.Errorf("host %q: want a name of at most 255 bytes, or an IP address", host)
	}
	p.host, p.port, p.user = host, uint16(n), proxy.User
	if proxy.Scheme == "http" {
		return p.connect(header)
	}
	return p.greet()
}

func notInHost(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\?#@[]`, r) }

// next takes a whole answer, and reports whether it was the last.
func (p *proxyTalk) next() (over bool, err error) {
	if len(p.say) > 0 {
		return false, errEarlyAnswer
	}
	heard, got := p.heard, p.got
	p.heard, p.got = nil, nil
	if err := heard(got); err != nil {
		return false, err
	}
	return p.heard == nil, nil
}

func (p *proxyTalk) ask(say []byte, lacks func([]byte) (int, error), heard func([]byte) error) {
	p.say, p.lacks, p.heard = say, lacks, heard
}

// The words of SOCKS5.
const (
	socksVersion      = 5
	socksLoginVersion = 1
	socksNoLogin      = 0
	socksPassword     = 2
	socksNone         = 0xff
	socksConnect      = 1
	socksIPv4         = 1
	socksName         = 3
	socksIPv6         = 4
)

func (p *proxyTalk) greet() error {
	methods := []byte{socksVersion, 1, socksNoLogin}
	if p.user != nil {
		methods = []byte{socksVersion, 2, socksNoLogin, socksPassword}
	}
	p.ask(methods, socksPair(socksVersion), p.chosen)
	return nil
}

// socksPair is for answers of a version and another byte.
func socksPair(version byte) func(got []byte) (int, error) {
	return func(got []byte) (int, error) {
		if len(got) > 0 && got[0] != version {
			return 0, fmt.Errorf("not a SOCKS5 proxy: its answer begins with %#02x, want %#02x", got[0], version)
		}
		return 2 - len(got), nil
	}
}

func (p *proxyTalk) chosen(got []byte) error {
	switch {
	case got[1] == socksNoLogin:
		return p.request()
	case got[1] == socksPassword && p.user != nil:
		return p.login()
	case got[1] == socksNone && p.user == nil:
		return errors.New("it wants a user and a password, or another kind of authentication")
	case got[1] == socksNone:
		return errors.New("it takes no passwords")
	}
	return fmt.Errorf("it wants authentication %d, which was not offered", got[1])
}

func (p *proxyTalk) login() error {
	name := p.user.Username()
	password, _ := p.user.Password()
	if name == "" || len(name) > 255 || len(password) > 255 {
		return errors.New("want a user, and a user and a password of at most 255 bytes")
	}
	say := append([]byte{socksLoginVersion, byte(len(name))}, name...)
	say = append(append(say, byte(len(password))), password...)
	p.ask(say, socksPair(socksLoginVersion), func(got []byte) error {
		if got[1] != 0 {
			return errors.New("it refuses the password")
		}
		return p.request()
	})
	return nil
}

func (p *proxyTalk) request() error {
	say := []byte{socksVersion, socksConnect, 0}
	if ip := net.ParseIP(p.host); ip.To4() != nil {
		say = append(append(say, socksIPv4), ip.To4()...)
	} else if ip != nil {
		say = append(append(say, socksIPv6), ip...)
	} else {
		say = append(append(say, socksName, byte(len(p.host))), p.host...)
	}
	p.ask(append(say, byte(p.port>>8), byte(p.port)), socksReplyLacks, func(got []byte) error { return socksReply(got[1]) })
	return nil
}

// socksReplyLacks reads a refusal no further than to its reason: some proxies send no more.
func socksReplyLacks(got []byte) (int, error) {
	switch {
	case len(got) > 0 && got[0] != socksVersion:
		return 0, fmt.Errorf("malformed answer: version %d", got[0])
	case len(got) < 4:
		return 4 - len(got), nil
	case got[1] != 0:
		return 0, nil
	}
	switch got[3] {
	case socksIPv4:
		return 4 + net.IPv4len + 2 - len(got), nil
	case socksIPv6:
		return 4 + net.IPv6len + 2 - len(got), nil
	case socksName:
		if len(got) == 4 {
			return 1, nil
		}
		return 5 + int(got[4]) + 2 - len(got), nil
	}
	return 0, fmt.Errorf("malformed answer: an address of kind %d", got[3])
}

// socksReply returns the error for the status of a reply.
func socksReply(status byte) error {
	switch status {
	case 0:
		return nil
	case 1:
		return errors.New("the proxy failed")
	case 2:
		return errors.New("the proxy's rules do not allow it")
	case 3:
		return syscall.ENETUNREACH
	case 4:
		return syscall.EHOSTUNREACH
	case 5:
		return syscall.ECONNREFUSED
	case 6:
		return errors.New("the time to live has expired")
	case 7:
		return errors.New("the proxy does not connect")
	case 8:
		return errors.New("the proxy does not know this kind of address")
	}
	return fmt.Errorf("status %d", status)
}

// connect prepares a CONNECT request.
func (p *proxyTalk) connect(header map[string][]string) error {
	target := net.JoinHostPort(p.host, strconv.Itoa(int(p.port)))
	say := fmt.Appendf(nil, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if name == "" || strings.ContainsFunc(name, notInName) || strings.ContainsFunc(value, notInValue) {
				return fmt.Errorf("malformed header field %q", name) // the value may be a secret
			}
			say = fmt.Appendf(say, "%s: %s\r\n", name, value)
		}
	}
	if p.user != nil {
		password, _ := p.user.Password()
		login := base64.StdEncoding.EncodeToString([]byte(p.user.Username() + ":" + password))
		say = fmt.Appendf(say, "Proxy-Authorization: Basic %s\r\n", login)
	}
	p.ask(append(say, "\r\n"...), p.headLacks, p.responded)
	return nil
}

func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func notInValue(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// headLacks counts how many bytes the head of a response lacks at least, up to the empty line behind it,
// of which either end of a line may be a lone newline.
func (p *proxyTalk) headLacks(got []byte) (int, error) {
	const begin = "HTTP/1."
	for i := range min(len(got), len(begin)) {
		if got[i] != begin[i] {
			return 0, fmt.Errorf("not an HTTP proxy: its answer begins with %q", got[:i+1])
		}
	}
	switch {
	case len(got) < len("HTTP/1.1 200"):
		return len("HTTP/1.1 200") - len(got), nil
	case bytes.HasSuffix(got, []byte("\n\n")), bytes.HasSuffix(got, []byte("\n\r\n")):
		return 0, nil
	case p.heads+len(got) >= maxProxyAnswer:
		return 0, fmt.Errorf("the head of its answer is longer than %d bytes", maxProxyAnswer)
	case got[len(got)-1] == '\n', bytes.HasSuffix(got, []byte("\n\r")):
		return 1, nil
	}
	return 2, nil
}

func (p *proxyTalk) responded(got []byte) error {
	line, _, _ := bytes.Cut(got, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	version, status, _ := strings.Cut(string(line), " ")
	number, _, _ := strings.Cut(status, " ")
	code, err := strconv.Atoi(number)
	switch {
	case err != nil || len(number) != 3 || len(version) != len("HTTP/1.1"):
		return fmt.Errorf("malformed answer %q", line)
	case code >= 100 && code < 200 && code != 101:
		p.heads += len(got)
		p.ask(nil, p.headLacks, p.responded)
		return nil
	case code == 407:
		return fmt.Errorf("it answers %q: it wants a user and a password, or others", status)
	case code < 200 || code > 299:
		return fmt.Errorf("it answers %q", status)
	}
	return nil
}
