package shard

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/corolla-go/corolla"
)

// Spread says how connections come to the shards that listen at one address.
type Spread int

const (
	// BySystem has each shard listen by itself, at one address (SO_REUSEPORT). The system spreads
	// connections over them by a hash of their addresses: evenly when there are many, unevenly when
	// there are few, and without regard to how busy a shard is. Nothing is handed over, so this costs
	// the least. It is for "tcp", "tcp4" and "tcp6". A shard that stops listening while others go on
	// loses the connections that the system has put in its queue.
	BySystem Spread = iota
	// RoundRobin has the first shard that listens accept for all, and hand connections to one after the
	// other.
	RoundRobin
	// LeastConns is like RoundRobin, but a connection goes to the shard with the fewest that are open.
	LeastConns
	// BySource is like RoundRobin, but all connections from one IP address go to one shard, for as long
	// as the same shards listen. While 128 wait for that one, more of its are closed, and the accepting
	// shard's error handler is told. Peers without an IP address, as at Unix sockets, go round in turn.
	BySource
)

// Listen returns a socket that listens at an address for this shard. Every shard that wants connections
// calls it, with the same arguments; port 0 is the same free port for all. Servers of every style take
// the socket: aio.NewListener, transport.ServeOn, green.Hub.WrapListener, web.Server.Serve.
//
// With a Spread other than BySystem the socket is a corolla.Feed's: it has no descriptor, and LocalAddr is
// the address at which the accepting shard listens. At most 128 connections wait for one shard to accept
// them; such a shard is left out, or, if every shard has so many, the rest wait in the system's queue. A
// shard that listens at the address already gets syscall.EADDRINUSE. When all have closed their sockets
// the address is free, and whoever listens next is the one that accepts.
func (s *Shard) Listen(network, address string, by Spread, opts ...corolla.SocketOption) (*corolla.Socket, error) {
	s.loop.Check("shard.Shard.Listen")
	if s.ended {
		return nil, fmt.Errorf("listen %s: %w", address, ErrEnded)
	}
	key := fmt.Sprint(network, " ", address, " ", by)
	g := s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if by == BySystem {
		return g.listenAlike(s, key, network, address, append(opts[:len(opts):len(opts)], corolla.ReusePort()))
	}
	if h := g.handouts[key]; h != nil {
		if h.joined[s.index] {
			return nil, fmt.Errorf("listen %s: %v does already: %w", address, s, syscall.EADDRINUSE)
		}
		return s.join(h)
	}
	ln, err := s.loop.Listen(network, address, opts...)
	if err != nil {
		return nil, err
	}
	h := &handout{
		group: g, key: key, shard: s, ln: ln, addr: ln.LocalAddr(), by: by,
		targets: make([]*target, len(g.shards)), joined: make([]bool, len(g.shards)),
	}
	ln.OnClosed(h.closed)
	g.handouts[key] = h
	return s.join(h)
}

var errNotTCP = errors.New("the system spreads connections over several TCP sockets only; use RoundRobin")

// listenAlike listens at the address at which other shards do.
func (g *group) listenAlike(s *Shard, key, network, address string, opts []corolla.SocketOption) (*corolla.Socket, error) {
	if network == "unix" {
		return nil, fmt.Errorf("listen %s: %w", address, errNotTCP)
	}
	if addr := g.addrs[key]; addr != nil {
		return s.loop.ListenAddr(addr, opts...)
	}
	ln, err := s.loop.Listen(network, address, opts...)
	if err == nil {
		g.addrs[key] = ln.LocalAddr()
	}
	return ln, err
}

// addrs and handouts of a group are guarded by its mutex.
type listening struct {
	addrs    map[string]net.Addr
	handouts map[string]*handout
}
