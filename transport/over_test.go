package transport_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// What OnClosed is told, and that it comes right behind Closed.
func TestOnClosed(t *testing.T) {
	for name, c := range map[string]struct {
		refuse bool // build says no
		late   bool // OnClosed is called when all is over
		reset  bool // by Abort, and not by the peer
		panics bool
		want   error
		said   string
	}{
		"the peer's end": {said: "opened closed first second"},
		"abort":          {reset: true, want: transport.ErrAborted, said: "opened closed first second"},
		"too late":       {late: true, reset: true, want: transport.ErrAborted, said: "opened closed first second"},
		"refused":        {refuse: true, said: "first second"},
		"a panic":        {panics: true, said: "opened closed first second"},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				r, errs := &recorder{}, []error(nil)
				listen := func(conn *transport.Conn) {
					for _, which := range []string{"first", "second"} {
						conn.OnClosed(func(err error) {
							r.say("%s", which)
							if errs = append(errs, err); c.panics {
								panic("oops")
							}
						})
					}
				}
				if c.late {
					r.onClose = func() { task.Loop().Soon(func() { listen(r.conn) }) }
				}
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(conn *transport.Conn) transport.Protocol {
					if !c.late {
						listen(conn)
					}
					if c.refuse {
						return nil
					}
					return r
				})
				if err != nil {
					t.Fatal(err)
				}
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				until(t, task, func() bool { return c.refuse || r.conn != nil })
				if c.reset {
					r.conn.Abort()
				}
				if err := errors.Join(client.Close(), srv.Close()); err != nil {
					t.Error(err)
				}
				until(t, task, func() bool { return r.String() == c.said })
				if slices.ContainsFunc(errs, func(err error) bool { return err != c.want }) {
					t.Errorf("it was told %v, want %v", errs, c.want)
				}
				if reported := len(*log) == 2; reported != c.panics || len(*log)%2 != 0 {
					t.Errorf("reported: %v", *log)
				}
			})
		})
	}
}
