package compat_test

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/miekg/dns"
)

// answers serves one record, whoever asks for what. A question for "later." has its answer when the
// channel that ready returns is closed.
type answers struct {
	mu    sync.Mutex
	ready <-chan struct{}
}

func (a *answers) after(ready <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ready = ready
}

func (a *answers) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	a.mu.Lock()
	ready := a.ready
	a.mu.Unlock()
	if ready != nil {
		<-ready
	}
	m := new(dns.Msg).SetReply(question)
	if q := question.Question[0]; q.Qtype == dns.TypeA {
		m.Answer = append(m.Answer, &dns.A{
			Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1),
		})
	}
	_ = w.WriteMsg(m) // one who does not wait for it has none
}

// dnsServer starts a server of miekg/dns beside the loop, which ends with the test.
func (e *env) dnsServer(network string) (*answers, string) {
	e.Helper()
	a, s := new(answers), new(dns.Server)
	s.Handler = a
	var err error
	var addr net.Addr
	if network == "udp" {
		if s.PacketConn, err = net.ListenPacket(network, "127.0.0.1:0"); err == nil {
			addr = s.PacketConn.LocalAddr()
		}
	} else if s.Listener, err = net.Listen(network, "127.0.0.1:0"); err == nil {
		addr = s.Listener.Addr()
	}
	if err != nil {
		e.Fatal(err)
	}
	up, down := make(chan struct{}), make(chan error)
	s.NotifyStartedFunc = func() { close(up) }
	go func() { down <- s.ActivateAndServe() }()
	<-up
	e.Cleanup(func() {
		if err := errors.Join(s.Shutdown(), <-down); err != nil {
			e.Error(err)
		}
	})
	return a, addr.String()
}

func query() *dns.Msg { return new(dns.Msg).SetQuestion("corolla.test.", dns.TypeA) }

func answered(m *dns.Msg, err error) error {
	if err == nil && len(m.Answer) != 1 {
		err = errors.New("no answer in " + m.String())
	}
	return err
}

func dnsOnGreen(e *env) error {
	var client dns.Client
	tcp, address := e.dnsServer("tcp")
	c, err := e.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	tcp.after(e.next())
	m, _, err := client.ExchangeWithConn(query(), &dns.Conn{Conn: c})
	if err := answered(m, err); err != nil {
		return err
	}

	udp, address := e.dnsServer("udp")
	p, err := e.DialPacket("udp", address)
	if err != nil {
		return err
	}
	defer p.Close()
	udp.after(e.next())
	m, _, err = client.ExchangeWithConn(query(), &dns.Conn{Conn: p})
	return answered(m, err)
}

// dnsServerOnFace shows why: the server has a goroutine for each connection, and for each datagram.
func dnsServerOnFace(e *env) error {
	ln, err := e.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newStrangers(e)
	served := e.Go(func() error {
		return (&dns.Server{Listener: s.listen(ln), Handler: new(answers)}).ActivateAndServe()
	})
	c, err := e.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	s.wantRefused()
	_, _ = c.Close(), ln.Close()
	_ = served.Join() // it has an error, as its listener was closed

	if ln, err = e.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	pc, err := e.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	for _, c := range []struct {
		network string
		server  *dns.Server
		address net.Addr
	}{
		{"tcp", &dns.Server{Listener: ln.AIO().NetListener()}, ln.Addr()},
		{"udp", &dns.Server{PacketConn: pc.AIO().NetPacketConn()}, pc.LocalAddr()},
	} {
		a := new(answers)
		c.server.Handler = a
		up := make(chan struct{})
		c.server.NotifyStartedFunc = func() { close(up) }
		wait := e.side(c.server.ActivateAndServe)
		if err := e.elsewhere(func() error { <-up; return nil }); err != nil {
			return err
		}
		a.after(e.next())
		address := c.address.String()
		if err := e.elsewhere(func() error {
			m, _, err := (&dns.Client{Net: c.network}).Exchange(query(), address)
			return errors.Join(answered(m, err), c.server.Shutdown())
		}); err != nil {
			return err
		}
		wait()
	}
	return nil
}

// dnsOffloaded shows why: Exchange dials with package net.
func dnsOffloaded(e *env) error {
	a, address := e.dnsServer("udp")
	ask := func() error {
		m, _, err := new(dns.Client).Exchange(query(), address)
		return answered(m, err)
	}
	e.holds(ask)
	a.after(e.next())
	return e.elsewhere(ask)
}

// resolverOffloaded shows why: it asks on goroutines of its own, while its caller waits on a channel. A
// name's addresses are to be had of Loop.Resolve.
func resolverOffloaded(e *env) error {
	a, address := e.dnsServer("udp")
	resolver := func(dial dialer) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, "udp", address)
		}}
	}
	look := func(r *net.Resolver) error {
		ips, err := r.LookupIP(context.Background(), "ip4", "corolla.test.")
		if err == nil && (len(ips) != 1 || ips[0].String() != "192.0.2.1") {
			e.Errorf("LookupIP = %v", ips)
		}
		return err
	}
	plain := resolver(new(net.Dialer).DialContext)
	e.holds(func() error { return look(plain) })
	a.after(e.next())
	if err := e.elsewhere(func() error { return look(plain) }); err != nil {
		return err
	}

	s := newStrangers(e)
	if err := look(resolver(func(ctx context.Context, network, address string) (c net.Conn, err error) {
		defer s.hear(&err)
		return e.DialPacket(network, address)
	})); err == nil {
		e.Error("a look-up with a green connection succeeded")
	}
	s.wantRefused()
	return nil
}
