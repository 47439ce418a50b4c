package process

import (
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

// Dial starts a process and connects p to its standard input and output, or to its Terminal, as if it
// were a server: CloseWrite ends its input. The future resolves to the connection, after Opened was
// called, or fails as Start does. Closed comes when the process has ended, with an *ExitError unless its
// exit status is 0; if the connection was lost or aborted before the end of the output, the process is
// killed, and Closed gets the reason of that. Standard error is what cmd says. (Twisted's
// ProcessEndpoint.)
//
// As an endpoint of package transport it is "process:", the program and its arguments, and the options
// dir, user, stderr, which is null, inherit or merge, and grace, in seconds.
func Dial(l *corolla.Loop, cmd Command, p transport.Protocol) *corolla.Future[*transport.Conn] {
	result := corolla.NewFuture[*transport.Conn](l)
	if cmd.Stderr.kind == pipe {
		_ = result.Fail(errors.New("start " + cmd.Path + ": nobody would read the pipe of standard error"))
		return result
	}
	if !cmd.Terminal {
		cmd.Stdin, cmd.Stdout = Pipe, Pipe
	}
	begin(l, cmd).OnDone(func(f *corolla.Future[*started]) {
		s, err := f.Result()
		switch {
		case err != nil:
			_ = result.Fail(err) // or it was canceled
			return
		case result.Done():
			s.abandon()
			return
		}
		in, out := s.socks[1], s.socks[0]
		if s.master != nil {
			in, out = s.master, s.master
		}
		c := transport.NewPair(in, out, p, s.child.outlast)
		result.OnCancel(func(cause error) {
			_ = result.Fail(&corolla.CanceledError{Cause: cause}) // it was pending
			c.Abort()
		})
		l.Soon(func() { _ = result.Resolve(c) })
	})
	return result
}

// outlast waits for the process once its connection has ended.
func (c *Child) outlast(why error, done func(error)) {
	if why != nil {
		_ = c.Kill() // or it has ended
	}
	c.OnExit(func(err error) {
		if why != nil {
			err = why
		}
		done(err)
	})
}

func init() {
	transport.RegisterEndpoint("process", transport.EndpointKind{Connect: connect})
}

func connect(l *corolla.Loop, a *transport.EndpointArgs, p transport.Protocol, _ ...corolla.SocketOption) *corolla.Future[*transport.Conn] {
	cmd := Command{Path: a.Arg("program"), Args: a.Rest(), Dir: a.Option("dir"), User: a.Option("user")}
	switch how := a.Option("stderr"); how {
	case "", "null":
	case "inherit":
		cmd.Stderr = Inherit
	case "merge":
		cmd.Stderr = Merge
	default:
		a.Fail("stderr %q: want null, inherit or merge", how)
	}
	if d, ok := a.Seconds("grace"); ok {
		cmd.Grace = d
	}
	if err := a.End(); err != nil {
		result := corolla.NewFuture[*transport.Conn](l)
		_ = result.Fail(err) // nothing else settles it
		return result
	}
	return Dial(l, cmd, p)
}
