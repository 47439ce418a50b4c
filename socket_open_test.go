package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// only4 is a machine without IPv6, whose names have addresses of it all the same.
type only4 struct{ host.Host }

func (only4) Resolve(_ context.Context, network, _ string) ([]net.Addr, error) {
	ips := []net.IP{net.IPv6loopback, net.IPv4(127, 0, 0, 1).To4()}
	addrs := make([]net.Addr, len(ips))
	for i, ip := range ips {
		addrs[i] = &net.TCPAddr{IP: ip, Port: 80}
		if network == "udp" {
			addrs[i] = &net.UDPAddr{IP: ip, Port: 80}
		}
	}
	return addrs, nil
}

func (h only4) Listen(addr net.Addr, set host.Settings) (host.FD, error) {
	if strings.Contains(addr.String(), "[") {
		return 0, syscall.EAFNOSUPPORT
	}
	return h.Host.Listen(addr, set)
}

func (h only4) OpenPacket(local, remote net.Addr, set host.Settings) (host.FD, error) {
	if strings.Contains(local.String(), "[") {
		return 0, syscall.EAFNOSUPPORT
	}
	return h.Host.OpenPacket(local, remote, set)
}

func TestNameIsBoundWhereThereIsNoIPv6(t *testing.T) {
	l := sim.New(1).NewLoop(hosttest.Between(func(h host.Host) host.Host { return only4{h} }))
	defer leaktest.Close(t, l)
	for network, open := range map[string]func(network, address string, opts ...corolla.SocketOption) (*corolla.Socket, error){
		"tcp": l.Listen, "udp": l.ListenPacket,
	} {
		s, err := open(network, "server:80")
		if err != nil {
			t.Errorf("%s: %v", network, err)
			continue
		}
		if at := s.LocalAddr().String(); at != "127.0.0.1:80" || s.Network() != network {
			t.Errorf("%s: bound to %s %s", network, s.Network(), at)
		}
		if again, err := open(network, "server:80"); !errors.Is(err, syscall.EADDRINUSE) { // the error of the address that could be
			t.Errorf("%s, in use: %v, %v", network, again, err)
		}
		closeAll(t, s)
	}
}

// Whatever is opened says what it was, and where, when it cannot be: here because the loop is closed.
func TestNothingIsOpenedOnAClosedLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		tcp, udp := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
		leaktest.Close(t, l)
		only := func(_ any, err error) error { return err }
		for what, open := range map[string]func() error{
			"listen 127.0.0.1:80: ":      func() error { return only(l.ListenAddr(tcp)) },
			"dial 127.0.0.1:80: ":        func() error { return only(l.Connect(tcp)) },
			"open 127.0.0.1:80: ":        func() error { return only(l.OpenPacket(udp, nil)) },
			"corolla: pipe: ":            func() error { _, _, err := l.Pipe(); return err },
			"corolla: open a terminal: ": func() error { _, _, err := l.Terminal(); return err },
			"corolla: adopt: ":           func() error { return only(l.Adopt(os.Stdin)) },
			fmt.Sprintf("corolla: watch process %d: ", os.Getpid()): func() error {
				return only(l.OnExit(&os.Process{Pid: os.Getpid()}, func() {}))
			},
		} {
			if err := open(); !errors.Is(err, corolla.ErrLoopClosed) || !strings.HasPrefix(err.Error(), what) {
				t.Errorf("%s%v", what, err)
			}
		}
	})
}

// Addresses and options that make no sense are refused before anything is opened.
func TestWhatCannotBeOpened(t *testing.T) {
	l := sim.New(1).NewLoop()
	defer leaktest.Close(t, l)
	tcp, udp := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	for name, open := range map[string]func() (*corolla.Socket, error){
		"datagrams where streams are listened for": func() (*corolla.Socket, error) { return l.ListenAddr(udp) },
		"datagrams where a stream is dialed":       func() (*corolla.Socket, error) { return l.Connect(udp) },
		"datagrams to an address of streams":       func() (*corolla.Socket, error) { return l.OpenPacket(udp, tcp) },
		"datagrams from an address of streams":     func() (*corolla.Socket, error) { return l.OpenPacket(tcp, nil) },
		"datagrams of nobody to nobody":            func() (*corolla.Socket, error) { return l.OpenPacket(nil, nil) },
		"a backlog of none":                        func() (*corolla.Socket, error) { return l.ListenAddr(tcp, corolla.Backlog(0)) },
		"a buffer of no bytes":                     func() (*corolla.Socket, error) { return l.Connect(tcp, corolla.ReadBuffer(0)) },
	} {
		if s, err := open(); s != nil || err == nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if n := l.Stats().Sockets; n != 0 {
		t.Errorf("%d sockets are open", n)
	}
}
