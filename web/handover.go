package web

import (
	"errors"
	"net/http"

	"github.com/corolla-go/corolla/aio"
)

// A server that is to end has connections that wait for a request, and clients that want to keep them. GiveIdle
// is for who can find another server for them: another process, since on another loop Release and Adopt do. They
// stay on the books until it is clear that they have gone, so that Shutdown waits for them.

// GiveIdle has give called, on the loop, with each connection that waits for a request, those that wait now and
// later ones when they are answered. What has arrived of the next request is there to be read. Give calls done
// when it is clear whether the connection has gone elsewhere, and was closed here; if it has not, the server goes
// on with it, and closes it after one more answer, which says so. A connection with TLS is not given; the server
// goes on in the same way with those. A give that is nil ends it.
func (s *Server) GiveIdle(give func(c *aio.Conn, done func(gone bool))) {
	if s.loop != nil {
		s.loop.Check("web.Server.GiveIdle")
	}
	s.give = give
	for _, of := range s.listeners {
		for _, c := range of.all() {
			if c.listening && c.active == nil {
				c.listen()
			}
		}
	}
}

// AdoptAt is Adopt for a server with several listeners: it goes on as if the connection came from ln.
func (s *Server) AdoptAt(ln *aio.Listener, c *aio.Conn) error {
	for _, of := range s.listeners {
		if of.ln == ln && !s.stopping {
			return of.adopt(c)
		}
	}
	return errors.Join(http.ErrServerClosed, c.Close())
}

func (of *listener) adopt(c *aio.Conn) error {
	if err := of.acceptor.Adopt(c); err != nil {
		return errors.Join(http.ErrServerClosed, err)
	}
	return nil
}

// stays reports whether the connection ends here, although others are given away.
func (c *conn) stays() bool {
	if !c.kept {
		_, c.kept = c.conn.TLS()
	}
	return c.kept
}

// offer gives the connection away, if somebody takes such.
func (c *conn) offer() bool {
	give := c.srv().give
	if give == nil || c.active != nil || c.parting || c.releasing != nil || c.stays() {
		return false
	}
	c.deaf()
	c.patience.end()
	ahead := c.pending
	c.drop()
	c.conn.Unread(ahead)
	c.away = true
	give(c.conn, c.offered)
	return true
}

// offered is told whether the connection has gone.
func (c *conn) offered(gone bool) {
	if c.closed || !c.away {
		return
	}
	if c.away = false; gone {
		c.closed = true
		c.leave()
		return
	}
	c.kept = true
	c.srv().idle.begin(&c.patience, c)
	if c.listen(); c.srv().stopping {
		c.shutdown()
	}
}
