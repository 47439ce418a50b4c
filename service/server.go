package service

import (
	"maps"
	"net"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// Build makes the Protocol of a connection, as transport.Serve wants it.
type Build = func(c *transport.Conn) transport.Protocol

// Listen begins to listen with a Build: transport.Serve, transport.ServeTLS or another, with everything
// else that it needs.
type Listen func(l *corolla.Loop, build Build) (*transport.Server, error)

// At returns what listens at an endpoint; see transport.Endpoint. Start reads the string, and returns
// what is wrong with it.
func At(endpoint string, opts ...transport.ServeOption) Listen {
	return func(l *corolla.Loop, build Build) (*transport.Server, error) {
		e, err := transport.ParseEndpoint(endpoint)
		if err != nil {
			return nil, err
		}
		return e.Listen(l, build, opts...)
	}
}

// Server is a service that listens, and gives each connection a Protocol.
type Server struct {
	Unit

	// Goodbye is called for each connection that is open when the server is stopped, and closes it, at
	// once or when what it is at is done. If it is nil, all are closed, when what was written is sent.
	Goodbye func(c *transport.Conn)

	listen Listen
	build  Build
	srv    *transport.Server
	conns  map[*transport.Conn]int // the numbers in which they came
	number int                     // of the last one
	left   corolla.Event           // set when one has ended
}

// NewServer returns a service that listens from Start on. Stop closes the listener and the connections,
// and waits until their protocols have heard of it; if its task is canceled it aborts those that are left.
// (Twisted's StreamServerEndpointService and strports.service, which leave connections open.)
func NewServer(name string, listen Listen, build Build) *Server {
	s := &Server{listen: listen, build: build, conns: map[*transport.Conn]int{}}
	s.Unit = *New(name, s.begin, s.end)
	return s
}

// Addr returns the address at which the server listens, or last did; nil before it was started.
func (s *Server) Addr() net.Addr {
	if s.srv == nil {
		return nil
	}
	return s.srv.Addr()
}

func (s *Server) begin(t *corolla.Task) error {
	srv, err := s.listen(t.Loop(), func(c *transport.Conn) transport.Protocol {
		s.number++
		s.conns[c] = s.number
		c.OnClosed(func(error) {
			delete(s.conns, c)
			s.left.Set()
		})
		return s.build(c)
	})
	if err == nil {
		s.srv = srv
	}
	return err
}

func (s *Server) end(t *corolla.Task) error {
	bye := s.Goodbye
	if bye == nil {
		bye = (*transport.Conn).Close
	}
	err := s.srv.Close()
	for _, c := range s.inOrder() {
		if e := call(t, "Goodbye of "+s.name, func(*corolla.Task) error { bye(c); return nil }); e != nil {
			t.Loop().Report(e)
			c.Abort()
		}
	}
	if e := s.drained(t); e != nil {
		for _, c := range s.inOrder() {
			c.Abort()
		}
		_ = t.Shielded(func(*corolla.Scope) error { return s.drained(t) }) // in the next turn
		return e
	}
	return err
}

// inOrder returns the connections in the order in which they came, so that nothing depends on that of a map.
func (s *Server) inOrder() []*transport.Conn {
	return slices.SortedFunc(maps.Keys(s.conns), func(a, b *transport.Conn) int { return s.conns[a] - s.conns[b] })
}

func (s *Server) drained(t *corolla.Task) error {
	for len(s.conns) > 0 {
		s.left.Clear()
		if err := s.left.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

// NewTaskServer returns a service that listens from Start on, and calls handle for each connection, in a
// task of its own; see aio.NewServer. Stop closes the listener and cancels the handlers, with ErrStopped
// as the cause, and waits for them: one that has to finish something does so in Task.Shielded. If
// accepting fails for good, so does the service.
//
// A server that can be told to finish what it is at, such as web.Server, or aio.Server with handlers that
// come to an end by themselves, is a NewTask with StopWith.
func NewTaskServer(name string, listen func(l *corolla.Loop) (*aio.Listener, error),
	handle func(t *corolla.Task, c *aio.Conn) error, opts ...aio.ServeOption,
) *Unit {
	return NewTask(name, func(t *corolla.Task, ready func()) error {
		ln, err := listen(t.Loop())
		if err != nil {
			return err
		}
		ready()
		return aio.NewServer(ln, handle, opts...).Serve(t)
	})
}
