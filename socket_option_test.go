package corolla_test

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// One limit of handshakes, given to several listeners, is one limit.
func TestPlacesForHandshakesAreShared(t *testing.T) {
	places := func(opt corolla.SocketOption) *corolla.Semaphore {
		_, p, err := corolla.Handshakes(opt)
		if p == nil || err != nil {
			t.Fatal("no places:", err)
		}
		return p
	}
	a, b := corolla.MaxHandshakes(3), corolla.MaxHandshakes(3)
	first, second := places(a), places(a)
	if first != second {
		t.Error("one option given twice is two limits")
	}
	if first == places(b) {
		t.Error("two options are one limit")
	}
	for _, n := range []int{0, -1} {
		if _, _, err := corolla.Handshakes(corolla.MaxHandshakes(n)); err == nil {
			t.Errorf("MaxHandshakes(%d) is accepted", n)
		}
	}
}

// A Unix address that does not say what it is of is of what it is given for.
func TestUnixAddressWithoutANetwork(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		dir := t.TempDir()
		for i, network := range []string{"", "unix", "unixgram"} {
			at := &net.UnixAddr{Name: filepath.Join(dir, string(rune('a'+i))), Net: network}
			s, err := l.OpenPacket(at, nil)
			if wants := network != "unix"; wants != (err == nil) {
				t.Errorf("OpenPacket of %q: %v", network, err)
			}
			if err == nil {
				closeAll(t, s)
			}
			s, err = l.ListenAddr(at)
			if wants := network != "unixgram"; wants != (err == nil) {
				t.Errorf("ListenAddr of %q: %v", network, err)
			}
			if err == nil {
				closeAll(t, s)
			}
		}
	})
}

// Who shares a port shares it with those who agreed to that, and with nobody else.
func TestPortIsSharedByThoseWhoAgree(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for _, first := range []bool{false, true} {
			for _, second := range []bool{false, true} {
				opts := func(shares bool) []corolla.SocketOption {
					if shares {
						return []corolla.SocketOption{corolla.ReusePort()}
					}
					return nil
				}
				a, err := l.Listen("tcp", "127.0.0.1:0", opts(first)...)
				if err != nil {
					t.Fatal(err)
				}
				b, err := l.Listen("tcp", a.LocalAddr().String(), opts(second)...)
				if agreed := first && second; agreed != (err == nil) || !agreed && !errors.Is(err, syscall.EADDRINUSE) {
					t.Errorf("first shares %v, second %v: %v", first, second, err)
				}
				closeAll(t, a)
				if err == nil {
					closeAll(t, b)
				}
			}
		}
	})
}

func TestSocketOptions(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0", corolla.ReusePort(), corolla.Backlog(10))
			if err != nil {
				return err
			}
			addr := ln.LocalAddr().String()
			second, err := l.Listen("tcp", addr, corolla.ReusePort())
			if err != nil {
				t.Errorf("a second listener: %v", err)
			} else {
				closeAll(t, second)
			}
			if _, err := l.Listen("tcp", addr); err == nil {
				t.Error("a listener that does not share")
			}
			c, err := l.Dial(
				"tcp", addr, corolla.LocalAddr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}),
				corolla.KeepAlive(time.Minute), corolla.NoDelay(false), corolla.ReadBuffer(1<<16), corolla.WriteBuffer(1<<16),
			).Await(task)
			if err != nil {
				return err
			}
			if local := c.LocalAddr().(*net.TCPAddr); !local.IP.Equal(net.IPv4(127, 0, 0, 9)) || local.Port == 0 {
				t.Errorf("dialed from %v", local)
			}
			closeAll(t, ln, c)
			for _, bad := range []corolla.SocketOption{corolla.Backlog(0), corolla.ReadBuffer(-1), corolla.WriteBuffer(0)} {
				if _, err := l.Listen("tcp", "127.0.0.1:0", bad); err == nil || !strings.Contains(err.Error(), "at least 1") {
					t.Errorf("a bad option: %v", err)
				}
				if _, err := l.Dial("tcp", addr, bad).Await(task); err == nil || !strings.Contains(err.Error(), "at least 1") {
					t.Errorf("a bad option: %v", err)
				}
			}
			return nil
		})
	})
}

// What a listener was given its connections have too; what is dialed has its own.
func TestLingerTimeout(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for _, c := range []struct {
			name         string
			listen, dial []corolla.SocketOption
			server       time.Duration
			client       time.Duration
		}{
			{"unless set", nil, []corolla.SocketOption{corolla.DialTimeout(time.Hour)}, 30 * time.Second, 30 * time.Second},
			{"of the listener", []corolla.SocketOption{corolla.LingerTimeout(time.Minute)}, nil, time.Minute, 30 * time.Second},
			{"of the client", nil, []corolla.SocketOption{corolla.LingerTimeout(ms)}, 30 * time.Second, ms},
			{"without limit", []corolla.SocketOption{corolla.LingerTimeout(0)}, nil, 0, 30 * time.Second},
		} {
			ln, err := l.Listen("tcp", "127.0.0.1:0", c.listen...)
			if err != nil {
				t.Fatal(err)
			}
			run(t, l, func(task *corolla.Task) error {
				dial := l.Dial("tcp", ln.LocalAddr().String(), c.dial...)
				server, err := acceptOne(task, ln)
				if err != nil {
					return err
				}
				client, err := dial.Await(task)
				if err != nil {
					return err
				}
				if server.Policies().LingerTimeout != c.server || ln.Policies().LingerTimeout != c.server || client.Policies().LingerTimeout != c.client {
					t.Errorf("%s: server %v, its listener %v, client %v", c.name, server.Policies().LingerTimeout, ln.Policies().LingerTimeout, client.Policies().LingerTimeout)
				}
				closeAll(t, server, client)
				if server.Policies().LingerTimeout != c.server {
					t.Errorf("%s: once it is closed %v", c.name, server.Policies().LingerTimeout)
				}
				return nil
			})
			closeAll(t, ln)
		}
	})
}

// A time of less than nothing is refused wherever a socket is made.
func TestTimesOfLessThanNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for want, opt := range map[string]corolla.SocketOption{
			"DialTimeout(-1ns)": corolla.DialTimeout(-1), "HandshakeTimeout(-1ns)": corolla.HandshakeTimeout(-1),
			"LingerTimeout(-1ns)": corolla.LingerTimeout(-1),
		} {
			_, listening := l.Listen("tcp", "127.0.0.1:0", opt)
			_, dialed := l.Dial("tcp", "127.0.0.1:80", opt).Result()
			_, _, handshakes := corolla.Handshakes(opt)
			for _, err := range []error{listening, dialed, handshakes} {
				if err == nil || !strings.HasSuffix(err.Error(), "corolla: "+want+": at least 0") {
					t.Errorf("%s: %v", want, err)
				}
			}
		}
	})
}
