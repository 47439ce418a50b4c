// Package deferred is an echo server in Twisted's style: a protocol for the data, and a Deferred
// for the one thing that happens once, the end.
package deferred

import (
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
)

// Serve echoes what every connection to addr sends, while l runs.
func Serve(l *corolla.Loop, addr string) (net.Addr, error) {
	var served int
	srv, err := transport.Serve(l, "tcp", addr, func(*transport.Conn) transport.Protocol {
		p := &echo{ended: deferred.New[int](l)}
		p.ended.AddBoth(func(bytes int, _ error) (int, error) { served++; return bytes, nil })
		return p
	})
	if err != nil {
		return nil, err
	}
	return srv.Addr(), nil
}

type echo struct {
	ended *deferred.Deferred[int] // with the number of bytes
	bytes int
}

func (*echo) Opened(*transport.Conn) {}

func (p *echo) Data(c *transport.Conn, b []byte) {
	p.bytes += len(b)
	c.Write(b)
}

func (p *echo) Closed(_ *transport.Conn, err error) {
	if err != nil {
		p.ended.Errback(err)
		return
	}
	p.ended.Callback(p.bytes)
}
