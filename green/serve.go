package green

import (
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// ErrStopServe is returned by a handler to end Serve. (Eventlet's StopServe.)
var ErrStopServe = errors.New("green: stop serving")

// Serve calls handle, in a thread of its own, for each connection of ln, which it owns from then on.
// The connection is closed when handle returns. An error other than of the connection's end reaches the
// loop's error handler, as a panic does, and serving goes on. After a panic or a kill the connection is
// aborted, so that its peer does not take what it got for the whole.
// aio.MaxConns is Eventlet's concurrency, and there are other options; see aio.NewServer.
//
// Serve returns nil once a handler has returned ErrStopServe and all others have ended. Before that it
// returns only with an error of accepting. When the thread that serves is killed, so are the handlers.
func (h *Hub) Serve(ln *Listener, handle func(c *Conn) error, opts ...aio.ServeOption) error {
	t := h.current("green.Hub.Serve")
	var s *aio.Server
	s = aio.NewServer(ln.ln, func(t *corolla.Task, c *aio.Conn) error {
		if err := handle(h.Wrap(c)); err != nil {
			return h.handled(s, err)
		}
		return nil
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

// handled is told of a handler's error. It is no part of the handler's frame, which is on the stack of
// every idle connection.
//
//go:noinline
func (h *Hub) handled(s *aio.Server, err error) error {
	if !errors.Is(err, ErrStopServe) {
		return err
	}
	h.loop.Go(func(t *corolla.Task) error { _, err := s.Shutdown(t); return err })
	return nil
}
