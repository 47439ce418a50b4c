// Package callback is an echo server made of sockets and callbacks, and nothing else.
package callback

import (
	"net"

	"github.com/corolla-go/corolla"
)

// Serve echoes what every connection to addr sends, while l runs.
func Serve(l *corolla.Loop, addr string) (net.Addr, error) {
	ln, err := l.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ln.OnReadable(func() {
		if s, err := ln.TryAccept(); err == nil {
			s.OnReadable(func() { echo(l.Scratch(), s) })
		}
	})
	return ln.LocalAddr(), nil
}

// echo reads once and writes, and does not read again until that is done.
func echo(buf []byte, s *corolla.Socket) {
	n, err := s.TryRead(buf)
	if err != nil && err != corolla.ErrWouldBlock {
		s.Close()
	} else if sent, _ := s.TryWrite(buf[:n]); sent < n {
		unsent := append([]byte(nil), buf[sent:n]...)
		s.OnReadable(nil)
		s.OnWritable(func() {
			sent, err := s.TryWrite(unsent)
			if unsent = unsent[sent:]; len(unsent) == 0 || err != nil && err != corolla.ErrWouldBlock {
				s.OnWritable(nil)
				s.OnReadable(func() { echo(buf, s) })
			}
		})
	}
}
