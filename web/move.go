package web

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/corolla-go/corolla/aio"
)

// Release has then called, on the loop, once the request r is answered, with the connection, which no longer
// is the server's: instead of waiting there for the next request, it can be moved to another loop
// (aio.Conn.Move), where another Server goes on with it (Adopt). What the client has already sent of the
// next request is there to be read. The answer may be unsent: Flush the connection before it is moved.
//
// then is not called if the connection ends with this request: because the client or the handler wants
// that, or something failed, or the Server is shutting down. It panics if r is not a request of this
// package.
func Release(r *http.Request, then func(c *aio.Conn)) {
	c, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		panic("web: Release of a request that is not a Server's")
	}
	c.conn.srv().loop.Check("web.Release")
	c.conn.releasing = then
}

type exchangeKey struct{}

// release gives the connection away, with what has arrived of the next request.
func (c *conn) release(b []byte) {
	then := c.releasing
	ahead := bytes.Clone(b)
	c.drop()
	c.deaf()
	c.closed = true
	c.leave()
	c.conn.Unread(ahead)
	c.srv().loop.Soon(func() { then(c.conn) })
}

// Adopt serves a connection, such as one that another Server has released, as if it came from the listener
// that Serve was first called with. It counts for the limits of that, but is never refused. It returns
// http.ErrServerClosed, and closes the connection, unless the Server serves.
func (s *Server) Adopt(c *aio.Conn) error {
	c.Socket().Loop().Check("web.Server.Adopt")
	if s.stopping || len(s.listeners) == 0 {
		return errors.Join(http.ErrServerClosed, c.Close())
	}
	if c.Socket().Loop() != s.loop {
		panic("web: Adopt of a connection that belongs to another loop: move it first")
	}
	return s.listeners[0].adopt(c)
}
