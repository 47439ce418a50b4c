package worker

import (
	"errors"
	"net"
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Server is a server of connections: an *aio.Server.
type Server interface {
	Serve(t *corolla.Task) error
	Shutdown(t *corolla.Task) (aborted int, err error)
}

// HTTPServer is a server of HTTP: a *web.Server.
type HTTPServer interface {
	Serve(t *corolla.Task, ln *aio.Listener, opts ...aio.ServeOption) error
	Shutdown(t *corolla.Task) error
	SetKeepAlivesEnabled(on bool)
}

// Serve says that the worker is ready, and serves until it is retired. Then the server accepts no more, and
// Serve returns nil when all handlers have returned. What is left of them after Pool.Grace is aborted, and
// Serve returns t's error.
func (w *Worker) Serve(t *corolla.Task, srv Server) error {
	return w.serve(t, srv.Serve, func(t *corolla.Task, _ *corolla.Event) error {
		_, err := srv.Shutdown(t)
		return err
	})
}

// givesIdle is an HTTPServer that gives away connections that wait, and takes such.
type givesIdle interface {
	GiveIdle(give func(c *aio.Conn, done func(gone bool)))
	AdoptAt(ln *aio.Listener, c *aio.Conn) error
}

// idleName is what idle connections of a listener are handed over under; "" if nothing names it.
func (w *Worker) idleName(ln *aio.Listener) string {
	if name := w.names[ln.Socket()]; name != "" {
		return "http:" + name
	}
	return ""
}

// takeIdle has the server go on with connections of its listener.
func (w *Worker) takeIdle(srv HTTPServer, ln *aio.Listener) {
	name := w.idleName(ln)
	s, ok := srv.(givesIdle)
	if !ok || name == "" {
		return
	}
	w.OnHandOver(name, func(t *corolla.Task, o *Offer) error {
		c, err := o.Take(t, ln)
		if err != nil {
			return err
		}
		return s.AdoptAt(ln, c)
	})
}

// giveIdle hands over connections of a listener that wait for a request. It reports false if there is nobody to
// take any.
func (w *Worker) giveIdle(srv HTTPServer, ln *aio.Listener) bool {
	name := w.idleName(ln)
	s, ok := srv.(givesIdle)
	if !ok || name == "" || w.give.knows(name) != nil {
		return false
	}
	w.give.ended = append(w.give.ended, func() {
		srv.SetKeepAlivesEnabled(false)
		s.GiveIdle(nil)
	})
	s.GiveIdle(func(c *aio.Conn, done func(gone bool)) {
		if c.Buffered() > 0 { // the peer is slow to take an answer
			w.loop.Go(func(t *corolla.Task) error {
				done(w.HandOver(t, name, c, nil) == nil)
				return nil
			})
			return
		}
		if _, err := w.give.give(name, c, nil, func(err error) { done(err == nil) }); err != nil {
			done(false)
		}
	})
	return true
}

// ServeHTTP says that the worker is ready, and serves on a listener until the worker is retired. Then it accepts
// no more. If ln is one of the pool's (Listen, Socket), connections that wait for a request go to the worker that
// replaces this one, which serves ln by ServeHTTP, too, with what has arrived of the request, and each other when it
// is answered: their clients do not notice. The new server counts them for its limits, and its options hold for them;
// times such as IdleTimeout begin anew.
//
// Those with TLS cannot go, nor any when nobody takes them: as at the end of the pool, or if srv is no *web.Server.
// Answers say "Connection: close" from then on, so a client that sends another request within Pool.Linger gets
// its answer, and comes back on a new connection, to another worker. After Pool.Linger, idle connections are closed,
// which loses no request but one that is on its way in that very moment; clients, net/http's among them, send such a
// one again. ServeHTTP returns nil when all handlers have returned and all connections have gone, and t's error if that
// is not within Pool.Grace.
func (w *Worker) ServeHTTP(t *corolla.Task, srv HTTPServer, ln *aio.Listener, opts ...aio.ServeOption) error {
	w.takeIdle(srv, ln)
	return w.serve(t, func(t *corolla.Task) error { return srv.Serve(t, ln, opts...) },
		func(t *corolla.Task, served *corolla.Event) error {
			if !w.giveIdle(srv, ln) {
				srv.SetKeepAlivesEnabled(false)
			}
			if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
			err := t.Timeout(w.linger, func(*corolla.Scope) error { return served.Wait(t) })
			if err != nil && t.Err() != nil {
				return err
			}
			return srv.Shutdown(t)
		})
}

// serve runs a server, and drains it when the worker is retired.
func (w *Worker) serve(t *corolla.Task, run func(t *corolla.Task) error, drain func(t *corolla.Task, served *corolla.Event) error) error {
	w.OnRetire(func() {}) // so that the task is not canceled at once
	var served corolla.Event
	return t.Group(func(g *corolla.Group) error {
		drained := g.Go(func(t *corolla.Task) error {
			if err := w.retired.Wait(t); err != nil {
				return err
			}
			return drain(t, &served)
		})
		w.Ready()
		err := run(t)
		served.Set()
		if !w.Retiring() {
			drained.Cancel(nil)
			return err
		}
		if errors.Is(err, http.ErrServerClosed) || errors.Is(err, aio.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
			err = nil // that is what it was told
		}
		return err
	})
}
