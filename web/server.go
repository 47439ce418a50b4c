package web

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/ds"
)

// Defaults of a Server.
const (
	DefaultReadHeaderTimeout = 10 * time.Second
	DefaultIdleTimeout       = 2 * time.Minute
	DefaultStallTimeout      = time.Minute
	DefaultMaxHeaderBytes    = 64 << 10
)

// Server serves HTTP/1.1 on one loop. Fields with the names of http.Server's mean what they mean there,
// but a limit that is 0 has a default, and a negative one is none. Set them before Serve.
type Server struct {
	Handler http.Handler // nil means http.DefaultServeMux

	// ReadHeaderTimeout is how long the head of a request may take, from its first byte, and the first
	// byte on a new connection. The default is 10 s.
	ReadHeaderTimeout time.Duration
	// IdleTimeout is how long a connection may wait for the next request. The default is 2 min.
	IdleTimeout time.Duration
	// StallTimeout is how long a handler waits for any part of a request's body to arrive, and for any
	// part of its answer to be taken. The connection is then reset. The default is 1 min. Waiting for a
	// corolla.Limiter is no stall.
	StallTimeout time.Duration
	// ReadTimeout is how long a whole body may take, from the end of the head. The default is none, as
	// StallTimeout bounds what a silent peer costs.
	ReadTimeout time.Duration
	// WriteTimeout is how long a handler may take, with the sending of its answer. The handler's task is
	// then canceled, with a *corolla.TimeoutError, and the connection reset. The default is none.
	WriteTimeout time.Duration
	// MaxHeaderBytes limits the head of a request. The default is 64 KiB. All heads that are arriving
	// slowly together hold 16 MiB at most: beyond that the oldest is refused.
	MaxHeaderBytes int

	// BaseContext returns the context that those of all requests of a listener are derived from.
	BaseContext func(net.Listener) context.Context
	// ConnContext may derive another for each new connection.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// ErrorLog is told of panics in handlers and of errors with connections. nil means the loop's
	// error handler.
	ErrorLog *log.Logger

	loop      *corolla.Loop
	hub       *green.Hub
	listeners []*listener
	hooks     []func()
	stopping  bool
	closeAll  bool                                    // SetKeepAlivesEnabled(false)
	give      func(c *aio.Conn, done func(gone bool)) // GiveIdle

	heads, idle limit[*conn]
	lingering   limit[*conn]
	reading     limit[*exchange] // a part of a body
	bodies      limit[*exchange] // a whole body
	writing     limit[*exchange]
	answers     limit[*exchange]
	partial     int  // bytes of all heads that are arriving
	active      int  // requests
	noBody      body // of all requests that have none
	memory      memory
	date        date
}

// listener is one call of Serve.
type listener struct {
	srv      *Server
	ln       *aio.Listener
	acceptor *aio.Server
	context  context.Context // nil if there is none
	conns    ds.List[*conn]
	changed  corolla.Event // set when a connection has gone
}

// Serve serves HTTP on a listener with a Server that has no more than a handler; see Server.Serve.
func Serve(t *corolla.Task, ln *aio.Listener, handler http.Handler) error {
	return (&Server{Handler: handler}).Serve(t, ln)
}

// Serve accepts connections, and answers what is asked on them, until Shutdown or Close; it then returns
// http.ErrServerClosed. It also returns when accepting fails, and when t is canceled, which cancels all
// handlers. It owns ln, and returns only when the handlers of all its connections have returned. Of the
// options, MaxConns and MaxPerPeer limit connections. Those of ln that throttle connections, limit their
// time or log their traffic hold too: a handler whose connection's time is up is canceled. Besides what
// the server keeps for a client that does not read, some 128 KiB at most, the system keeps some megabytes,
// unless ln was opened with corolla.WriteBuffer, which also makes fast answers over long distances slower.
//
// A listener of aio.ListenTLS makes it HTTPS; the configuration's NextProtos should then be
// {"http/1.1"}. Serve may be called for several listeners, all on one loop.
func (s *Server) Serve(t *corolla.Task, ln *aio.Listener, opts ...aio.ServeOption) error {
	if s.loop == nil {
		s.start(t.Loop())
	}
	if s.loop != t.Loop() {
		panic("web: Serve of a Server that serves on another loop: make one for each loop")
	}
	if s.stopping {
		return errors.Join(http.ErrServerClosed, ln.Close())
	}
	of := &listener{srv: s, ln: ln}
	if s.BaseContext != nil {
		of.context = s.BaseContext(ln.NetListener())
	}
	of.acceptor = aio.NewAcceptor(ln, of.open, opts...)
	s.listeners = append(s.listeners, of)
	err := of.acceptor.Serve(t)
	if errors.Is(err, aio.ErrServerClosed) || s.stopping && errors.Is(err, net.ErrClosed) {
		err = http.ErrServerClosed
	}
	if e := of.drained(t); e != nil {
		of.abort(e)
	}
	if e := t.Shielded(func(*corolla.Scope) error { return of.drained(t) }); e != nil {
		err = errors.Join(err, e)
	}
	s.listeners = slices.DeleteFunc(s.listeners, func(o *listener) bool { return o == of })
	if len(s.listeners) == 0 {
		s.stop()
	}
	return err // bare, as callers compare it
}

func (s *Server) start(l *corolla.Loop) {
	s.loop, s.hub, s.noBody.done = l, green.NewHub(l), true
	set := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	s.heads = limit[*conn]{loop: l, after: set(s.ReadHeaderTimeout, DefaultReadHeaderTimeout), expired: (*conn).late}
	s.idle = limit[*conn]{loop: l, after: set(s.IdleTimeout, DefaultIdleTimeout), expired: (*conn).close}
	s.lingering = limit[*conn]{loop: l, after: partingTime, expired: (*conn).close}
	stall := set(s.StallTimeout, DefaultStallTimeout)
	s.reading = limit[*exchange]{loop: l, after: stall, expired: (*exchange).stalledReading}
	s.writing = limit[*exchange]{loop: l, after: stall, expired: (*exchange).stalledWriting}
	s.bodies = limit[*exchange]{loop: l, after: s.ReadTimeout, expired: (*exchange).stalled}
	s.answers = limit[*exchange]{loop: l, after: s.WriteTimeout, expired: (*exchange).late}
}

func (s *Server) handler() http.Handler {
	if s.Handler == nil {
		return http.DefaultServeMux
	}
	return s.Handler
}

func (s *Server) maxHead() int {
	if s.MaxHeaderBytes <= 0 {
		return DefaultMaxHeaderBytes
	}
	return s.MaxHeaderBytes
}

// report tells of an error that nobody else can be told of.
func (s *Server) report(err error) {
	if s.ErrorLog != nil {
		s.ErrorLog.Print(err)
		return
	}
	s.loop.Report(err)
}

// RegisterOnShutdown adds a function that is called, on the loop, when Shutdown begins: to tell long
// handlers, and connections that were hijacked, to end.
func (s *Server) RegisterOnShutdown(f func()) { s.hooks = append(s.hooks, f) }

// SetKeepAlivesEnabled sets whether connections are kept for another request.
func (s *Server) SetKeepAlivesEnabled(on bool) { s.closeAll = !on }

// Shutdown stops accepting, closes idle connections, and waits for the handlers that run; each closes
// its connection when it has answered. If t is canceled, or its scope times out, it cancels the
// remaining handlers, with http.ErrServerClosed, resets their connections, waits for them to return, and
// returns t's error.
func (s *Server) Shutdown(t *corolla.Task) (err error) {
	first := !s.stopping
	s.stopping = true
	listeners := slices.Clone(s.listeners)
	for _, of := range listeners {
		_, e := of.acceptor.Shutdown(t)
		err = errors.Join(err, e)
		for _, c := range of.all() {
			c.shutdown()
		}
	}
	if first {
		for _, f := range s.hooks {
			f()
		}
	}
	for _, of := range listeners {
		if e := of.drained(t); e != nil {
			err = errors.Join(err, e)
			of.abort(http.ErrServerClosed)
			err = errors.Join(err, t.Shielded(func(*corolla.Scope) error { return of.drained(t) }))
		}
	}
	return err
}

// Close is Shutdown without patience: it resets all connections and cancels their handlers, and does not
// wait for them to return, which Serve does.
func (s *Server) Close() (err error) {
	s.stopping = true
	for _, of := range s.listeners {
		if e := of.ln.Close(); !errors.Is(e, net.ErrClosed) { // by Shutdown, or an earlier Close
			err = errors.Join(err, e)
		}
		of.abort(http.ErrServerClosed)
	}
	return err
}

// stop stops all timers.
func (s *Server) stop() {
	for _, l := range []*limit[*conn]{&s.heads, &s.idle, &s.lingering} {
		l.stop()
	}
	for _, l := range []*limit[*exchange]{&s.reading, &s.bodies, &s.writing, &s.answers} {
		l.stop()
	}
}

// ServerStats describes a Server.
type ServerStats struct {
	Conns   int // open, or with a handler
	Idle    int // waiting for a request of which nothing has arrived
	Active  int // requests with a handler
	Partial int // bytes of heads that are arriving
}

// Stats returns the current numbers.
func (s *Server) Stats() ServerStats {
	st := ServerStats{Idle: s.idle.waiting.Len(), Active: s.active, Partial: s.partial}
	for _, of := range s.listeners {
		st.Conns += of.conns.Len()
	}
	return st
}

// all returns the connections, whose list may change while one goes through it.
func (of *listener) all() (cs []*conn) {
	for k := of.conns.First(); k != nil; k = k.Next() {
		cs = append(cs, k.Value)
	}
	return cs
}

// drained waits until there is no connection any more.
func (of *listener) drained(t *corolla.Task) error {
	for of.conns.Len() > 0 {
		of.changed.Clear()
		if err := of.changed.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

// abort ends everything.
func (of *listener) abort(cause error) {
	for _, c := range of.all() {
		c.abort()
		if c.active != nil {
			c.active.job.Task().Cancel(cause)
		}
	}
}

// open takes a new connection.
func (of *listener) open(a *aio.Conn) {
	c := &conn{of: of, conn: a}
	if peer := a.RemoteAddr(); peer != nil { // else it is unnamed
		c.remote = peer.String()
	}
	c.link.Value, c.ready = c, c.readable
	of.conns.Push(&c.link)
	if s := of.srv; s.ConnContext != nil {
		base := of.context
		if base == nil {
			base = context.Background()
		}
		c.context = s.ConnContext(base, s.hub.Wrap(a))
	} else {
		c.context = of.context
	}
	of.srv.heads.begin(&c.patience, c)
	c.listen()
}

// Task returns the task that runs the handler of a request. It panics if r is not a request of
// this package.
func Task(r *http.Request) *corolla.Task {
	t, ok := r.Context().Value(taskKey{}).(*corolla.Task)
	if !ok {
		panic("web: Task of a request that has none: it came from another server, or has another context")
	}
	return t
}

type taskKey struct{}

// wrapped says which connection an error is of.
func (c *conn) wrapped(what string, err error) error {
	return fmt.Errorf("web: %s %s: %w", what, c.remote, err)
}
