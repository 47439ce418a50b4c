package green

import (
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// ErrStopServe is returned by a handler to end Serve. (Eventlet's StopServe.)
var ErrStopServe = errors.New("green: stop serving")

// Serve calls handle, in a thread of its own, for each connection of ln, which Serve owns from then
// on. The connection is closed when handle returns. An error other than the connection's end
// reaches the loop's error handler, as a panic does, and serving goes on. After a panic or a kill
// the connection is aborted, so that the peer does not take a partial answer for a complete one.
// aio.MaxConns is Eventlet's concurrency; for other options see aio.NewServer.
//
// Serve returns nil once a handler has returned ErrStopServe and all others have ended. Otherwise
// it returns only if accepting fails. When the serving thread is killed, so are the handlers.
func (h *Hub) Serve(ln *Listener, handle func(c *Conn) error, opts ...aio.ServeOption) error {
	t := h.current("green.Hub.Serve")
	var s *aio.Server
	s = aio.NewServer(ln.ln, func(t *corolla.Task, c *aio.Conn) error {
		return h.handled(s, handle(h.Wrap(c))) // this is on the stack of every idle connection
	}, opts...)
	err := s.Serve(t)
	if err == aio.ErrServerClosed {
		return nil
	}
	if err != nil {
		h.unwind(t)
	}
	return err
}

// handled returns a handler's error, or stops serving if that is ErrStopServe.
//
//go:noinline
func (h *Hub) handled(s *aio.Server, err error) error {
	if !errors.Is(err, ErrStopServe) {
		return err
	}
	h.loop.Go(func(t *corolla.Task) error { _, err := s.Shutdown(t); return err })
	return nil
}
