// Package transport is an echo server as a protocol: given data, it writes it back.
package transport

import (
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

// Serve echoes what every connection to addr sends, while l runs.
func Serve(l *corolla.Loop, addr string) (net.Addr, error) {
	srv, err := transport.Serve(l, "tcp", addr, func(*transport.Conn) transport.Protocol { return echo{} })
	if err != nil {
		return nil, err
	}
	return srv.Addr(), nil
}

type echo struct{}

func (echo) Opened(*transport.Conn)           {}
func (echo) Data(c *transport.Conn, b []byte) { c.Write(b) }
func (echo) Closed(*transport.Conn, error)    {}
