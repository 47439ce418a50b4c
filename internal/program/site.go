package program

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
)

// What the servers of HTTP have in common.

// grace is how long requests may take to end once the server is to stop.
const grace = 10 * time.Second

// site is a server of HTTP.
type site struct {
	place
	log     *slog.Logger
	handler http.Handler
	closing func()                         // called on the loop when it is to stop; nil is nothing
	setup   func(l *corolla.Loop, s *site) // makes the handler
	limits  []aio.ServeOption
}

// serve runs the site until a signal.
func (s *site) serve(c *console) (err error) {
	out := newAside(c.err)
	defer out.close()
	l, err := corolla.New(corolla.ErrorHandler(func(err error) { fmt.Fprintln(out, "corolla serve:", err) }))
	if err != nil {
		return err
	}
	defer func() {
		if e := l.Close(); err == nil {
			err = e
		}
	}()
	return l.Run(func(t *corolla.Task) error { return s.run(t, c, out) })
}

func (s *site) run(t *corolla.Task, c *console, out io.Writer) error {
	l := t.Loop()
	sig := l.Signals(os.Interrupt, syscall.SIGTERM)
	defer sig.Stop()
	ln, err := aio.Listen(l, "tcp", s.addr)
	if err != nil {
		return err
	}
	s.log = slog.New(slog.NewTextHandler(out, nil))
	s.setup(l, s)
	srv := &web.Server{Handler: logged(l, s.log, s.handler)}
	if s.closing != nil {
		srv.RegisterOnShutdown(s.closing)
	}
	if _, err := fmt.Fprintf(c.out, "listening on %v\n", ln.Addr()); err != nil {
		return err
	}
	if err := s.openDoor(c, l); err != nil {
		return errors.Join(err, ln.Close())
	}
	l.Go(func(t *corolla.Task) error { return shutdown(t, srv, sig) }, corolla.Name("signals"))
	err = srv.Serve(t, ln, s.limits...)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// shutdown stops the server gently at the first signal, and at once at the second, or when the time is up.
func shutdown(t *corolla.Task, srv *web.Server, sig *corolla.Signals) error {
	if _, err := sig.Wait(t); err != nil {
		return nil // the server has ended by itself
	}
	hurry := t.Loop().Go(func(t *corolla.Task) error {
		if _, err := sig.Wait(t); err != nil {
			return nil // it has stopped
		}
		return srv.Close()
	}, corolla.Name("the second signal"))
	defer hurry.Cancel(nil)
	err := t.Timeout(grace, func(*corolla.Scope) error { return srv.Shutdown(t) })
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, corolla.ErrCanceled) {
		return nil // what was left has been reset, or Serve has returned
	}
	return err
}
