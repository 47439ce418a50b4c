// Package gen is an echo server made of generators that yield what they wait for.
package gen

import (
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
)

// Serve echoes what every connection to addr sends, while l runs.
func Serve(l *corolla.Loop, addr string) (net.Addr, error) {
	ln, err := l.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	gen.Go(l, func(y *gen.Yield[gen.Wait, struct{}]) (int, error) {
		for {
			if s, err := ln.TryAccept(); err == nil {
				gen.Go(l, echo(s))
			} else if _, err := y.Yield(gen.Readable(ln)); err != nil {
				return 0, err
			}
		}
	})
	return ln.LocalAddr(), nil
}

func echo(s *corolla.Socket) gen.Coroutine[int] {
	return func(y *gen.Yield[gen.Wait, struct{}]) (total int, _ error) {
		buf := make([]byte, 4096)
		for {
			n, err := gen.Read(y, s, buf)
			if err != nil {
				return total, s.Close() // the client has gone
			}
			gen.Write(y, s, buf[:n])
		}
	}
}
