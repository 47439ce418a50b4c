package corolla_test

import (
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// TestAddressesOutliveTheConnection has connections of which each side learns both addresses
// before, while and after the other resets it, and after its own Close.
func TestAddressesOutliveTheConnection(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", ":0"} { // one address, and all
		t.Run(at, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				run(t, l, func(task *corolla.Task) error {
					ln, err := l.Listen("tcp", at)
					if err != nil {
						return err
					}
					_, port, _ := net.SplitHostPort(ln.LocalAddr().String())
					to := net.JoinHostPort("127.0.0.1", port)
					client, err := l.Dial("tcp", to).Await(task)
					if err != nil {
						return err
					}
					server, err := acceptOne(task, ln)
					if err != nil {
						return err
					}
					from := client.LocalAddr().String()
					check := func(when string) {
						t.Helper()
						wantAddrs(t, when+", client", client, from, to)
						wantAddrs(t, when+", server", server, to, from)
					}
					check("connected")
					if err := client.Reset(); err != nil {
						return err
					}
					check("reset here")
					if _, err := readN(task, server, 1); !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("read: %v", err)
					}
					check("reset by the peer")
					if err := server.CloseWrite(); err != nil {
						t.Errorf("CloseWrite after a reset: %v", err)
					}
					closeAll(t, server)
					check("closed")
					was := ln.LocalAddr().String()
					closeAll(t, ln)
					if ln.LocalAddr() == nil || ln.LocalAddr().String() != was || ln.PeerAddr() != nil {
						t.Errorf("listener after Close: %v, %v", ln.LocalAddr(), ln.PeerAddr())
					}
					return nil
				})
			})
		})
	}
}

func wantAddrs(t *testing.T, when string, s *corolla.Socket, local, peer string) {
	t.Helper()
	for what, c := range map[string]struct {
		got  net.Addr
		want string
	}{"local": {s.LocalAddr(), local}, "peer": {s.PeerAddr(), peer}} {
		if c.got == nil || c.got.String() != c.want {
			t.Errorf("%s: %s address %v, want %s", when, what, c.got, c.want)
		}
	}
}

func TestAddressIsTheCallersToChange(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		for _, s := range []*corolla.Socket{a, b} {
			for _, addr := range []func() net.Addr{s.LocalAddr, s.PeerAddr} {
				was := addr().String()
				mine := addr().(*net.TCPAddr)
				mine.IP[len(mine.IP)-1], mine.Port = 99, 99
				if addr().String() != was {
					t.Errorf("changed from %s to %v", was, addr())
				}
			}
		}
	})
}

func TestAddressesOfUnixSockets(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		name := filepath.Join(t.TempDir(), "s")
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("unix", name)
			if err != nil {
				return err
			}
			client, err := l.Dial("unix", name).Await(task)
			if err != nil {
				return err
			}
			server, err := acceptOne(task, ln)
			if err != nil {
				return err
			}
			for range 2 { // while they are open, and closed
				wantAddrs(t, "client", client, "@", name)
				wantAddrs(t, "server", server, name, "@")
				if n := server.PeerAddr().Network(); n != "unix" {
					t.Errorf("the peer's network is %q", n)
				}
				if !client.Closed() {
					closeAll(t, client, server, ln)
				}
			}
			return nil
		})
	})
}

func TestAddressesOfDatagramSocketsAfterClose(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, err := l.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.OpenPacket(nil, a.LocalAddr())
		if err != nil {
			t.Fatal(err)
		}
		here, there := b.LocalAddr().String(), a.LocalAddr().String()
		closeAll(t, a, b)
		wantAddrs(t, "b", b, here, there)
		if a.LocalAddr() == nil || a.LocalAddr().String() != there || a.LocalAddr().Network() != "udp" || a.PeerAddr() != nil {
			t.Errorf("a: %v, %v", a.LocalAddr(), a.PeerAddr())
		}
	})
}

// Dialing no address in particular reaches this machine, and the peer is called by its name.
func TestAddressOfAPeerThatWasNotNamed(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp4", ":0")
			if err != nil {
				return err
			}
			defer closeAll(t, ln)
			_, port, _ := net.SplitHostPort(ln.LocalAddr().String())
			s, err := l.Dial("tcp4", ":"+port).Await(task)
			if err != nil {
				return err
			}
			if got, want := s.PeerAddr().String(), "127.0.0.1:"+port; got != want {
				t.Errorf("connected to %s, want %s", got, want)
			}
			closeAll(t, s)
			return nil
		})
	})
}

// TestResetBeforeAccept has many clients that connect and reset before anybody accepts.
func TestResetBeforeAccept(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer closeAll(t, ln)
			at := ln.LocalAddr().String()
			for range 20 {
				from := map[string]bool{}
				for range 100 {
					s, err := l.Dial("tcp", at).Await(task)
					if err != nil {
						return err
					}
					from[s.LocalAddr().String()] = true
					if err := s.Reset(); err != nil {
						return err
					}
				}
				for range 100 {
					s, err := acceptOne(task, ln)
					if err != nil {
						return err
					}
					for range 2 {
						if peer := s.PeerAddr(); peer == nil || !from[peer.String()] || s.PeerHost() != "127.0.0.1" || s.LocalAddr().String() != at {
							t.Fatalf("%v from %v", s.LocalAddr(), peer)
						}
						if !s.Closed() {
							if _, err := readN(task, s, 1); !errors.Is(err, syscall.ECONNRESET) {
								t.Errorf("read: %v", err)
							}
							closeAll(t, s)
						}
					}
				}
			}
			return nil
		})
	})
}

func TestZoneOfAPeer(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		ln, err := l.Listen("tcp", "[fe80::1%eth0]:80")
		if err != nil {
			return err
		}
		s, err := l.Dial("tcp", "[fe80::1%eth0]:80").Await(task)
		if err != nil {
			return err
		}
		server, err := acceptOne(task, ln)
		if err != nil {
			return err
		}
		closeAll(t, s, server, ln)
		wantAddrs(t, "client", s, server.PeerAddr().String(), "[fe80::1%eth0]:80")
		if a := server.PeerAddr().(*net.TCPAddr); a.Zone != "eth0" {
			t.Errorf("the client is %v", a)
		}
		return nil
	})
}
