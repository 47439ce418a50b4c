package service_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

// world is a client, and attempts that succeed, fail or wait as a test wants it.
type world struct {
	t      *testing.T
	task   *corolla.Task
	d      diary
	srv    *transport.Server
	tries  []*corolla.Future[*transport.Conn] // attempts to which nothing has happened yet
	client *service.Client[*transport.Conn]
}

// newWorld returns a client of a server that answers nothing.
func newWorld(t *testing.T, task *corolla.Task) *world {
	t.Helper()
	w := &world{t: t, task: task}
	srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return &shout{d: &diary{}} })
	if err != nil {
		t.Fatal(err)
	}
	w.srv = srv
	w.client = service.NewClient(task.Loop(), "c", func() *corolla.Future[*transport.Conn] {
		w.d.note("attempt")
		f := corolla.NewFuture[*transport.Conn](task.Loop())
		w.tries = append(w.tries, f)
		return f
	})
	w.client.Backoff = func(failed int) time.Duration { return time.Duration(failed) * time.Millisecond }
	w.client.Retrying = func(failed int, err error, wait time.Duration) { w.d.note("retry(%d,%v,%v)", failed, err, wait) }
	return w
}

// end stops the client and the server.
func (w *world) end() {
	w.t.Helper()
	if err := errors.Join(w.client.Stop(w.task), w.srv.Close()); err != nil {
		w.t.Error(err)
	}
	until(w.t, w.task, "all is closed", func() bool { return w.task.Loop().Stats().Sockets == 0 })
}

func (w *world) start() {
	w.t.Helper()
	if err := w.client.Start(w.task); err != nil {
		w.t.Error(err)
	}
}

// next returns the attempt that is next to come.
func (w *world) next() *corolla.Future[*transport.Conn] {
	w.t.Helper()
	until(w.t, w.task, "an attempt", func() bool { return len(w.tries) > 0 })
	f := w.tries[0]
	w.tries = w.tries[1:]
	return f
}

// fails has the next attempt fail.
func (w *world) fails() { w.t.Helper(); w.settled(w.next().Fail(errLuck)) }

// connects has the next attempt succeed, and returns its connection.
func (w *world) connects() *transport.Conn {
	w.t.Helper()
	f := w.next()
	c, err := transport.Dial(w.task.Loop(), "tcp", w.srv.Addr().String(), &shout{d: &w.d}).Await(w.task)
	if err != nil {
		w.t.Fatal(err)
	}
	w.settled(f.Resolve(c))
	return c
}

// settled waits until the client knows of an attempt's end.
func (w *world) settled(err error) {
	w.t.Helper()
	for range 3 {
		err = errors.Join(err, w.task.Yield())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Rule 33: WhenConnected fails at the failure that was named, with what failed; Stop waits until the
// connection is lost, and whoever waits then for the next gets a cancel.
func TestRule33WhenConnected(t *testing.T) {
	const fail, connect, stop = 'f', 'c', 's'
	for name, c := range map[string]struct {
		limits []int  // of those who wait, from before the start on
		events string // what happens
		want   []string
	}{
		"connected":          {[]int{0, 1}, "c", []string{"ok", "ok"}},
		"a failure":          {[]int{0, 1, 2}, "f", []string{"pending", "bad luck", "pending"}},
		"the second failure": {[]int{0, 2, 3}, "ff", []string{"pending", "bad luck", "pending"}},
		"in time":            {[]int{1, 2, 3}, "ffc", []string{"bad luck", "bad luck", "ok"}},
		"stopped":            {[]int{0, 1, 2}, "fs", []string{"canceled", "bad luck", "canceled"}},
		"stopped at once":    {[]int{0}, "s", []string{"canceled"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				w := newWorld(t, task)
				var all []*corolla.Future[*transport.Conn]
				for _, n := range c.limits {
					all = append(all, w.client.WhenConnected(n))
				}
				w.start()
				var conn *transport.Conn
				for _, e := range c.events {
					switch e {
					case fail:
						w.fails()
					case connect:
						conn = w.connects()
					case stop:
						if err := w.client.Stop(task); err != nil {
							t.Error(err)
						}
					}
				}
				for i, f := range all {
					got, err := f.Result()
					why := (*service.ClientError)(nil)
					switch {
					case errors.Is(err, corolla.ErrPending):
						f.Cancel(nil)
					case err == nil && (got != conn || c.want[i] != "ok"):
						t.Errorf("%d is connected, want %s", i, c.want[i])
					case err != nil && c.want[i] == "canceled":
						if !errors.Is(err, corolla.ErrCanceled) || !errors.Is(err, service.ErrStopped) {
							t.Errorf("%d: %v, want a cancel", i, err)
						}
					case err != nil && (c.want[i] != "bad luck" || !errors.As(err, &why) || why.Failed != c.limits[i] || why.Err != errLuck):
						t.Errorf("%d: %v, want %s", i, err, c.want[i])
					}
				}
				w.end()
				if conn != nil && !slices.Contains(w.d.notes, "closed(<nil>)") {
					t.Error("Stop has not waited for Closed")
				}
			})
		})
	}
}

// What a client does, step by step, and that success ends the row of failures.
func TestClientLifetime(t *testing.T) {
	eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		w := newWorld(t, task)
		w.start()
		w.fails()
		w.fails()
		w.d.want(t, "attempt retry(1,bad luck,1ms) attempt retry(2,bad luck,2ms)")
		if _, ok := w.client.Conn(); ok || w.client.Err() == nil {
			t.Errorf("connected: %v; %v", ok, w.client.Err())
		}
		c := w.connects()
		if got, ok := w.client.Conn(); got != c || !ok || w.client.Err() != nil {
			t.Errorf("connected: %v, to %v; %v", ok, got, w.client.Err())
		}
		if got, err := w.client.WhenConnected(1).Await(task); got != c || err != nil {
			t.Errorf("WhenConnected: %v, %v", got, err)
		}
		c.Abort()
		w.fails()
		lost := "retry(1,connection lost: " + transport.ErrAborted.Error() + ",1ms)"
		w.d.want(t, "attempt closed("+transport.ErrAborted.Error()+") "+lost+" attempt retry(2,bad luck,2ms)")
		w.connects().Close()
		w.next()
		w.d.want(t, "attempt closed(<nil>) retry(1,connection lost: EOF,1ms) attempt")
		w.end()
	})
}

// Stop in each state of a client, in a hurry and not, and that it can be started again. After it there is
// nothing: no attempt, no timer, no connection.
func TestClientIsStoppedInEachState(t *testing.T) {
	states := map[string]struct {
		reach func(w *world)
		did   string // by Stop
	}{
		"not started": {func(*world) {}, ""},
		"connecting":  {func(w *world) { w.start(); w.next() }, ""},
		"connecting, late": {func(w *world) { // the attempt has succeeded, and the client does not know it yet
			w.start()
			f := w.next()
			c, err := transport.Dial(w.task.Loop(), "tcp", w.srv.Addr().String(), &shout{d: &w.d}).Await(w.task)
			if err := errors.Join(err, f.Resolve(c)); err != nil {
				w.t.Error(err)
			}
		}, "closed(<nil>)"},
		"connected": {func(w *world) { w.start(); w.connects() }, "closed(<nil>)"},
		"losing it": {func(w *world) { w.start(); w.connects().Abort() }, "closed(" + transport.ErrAborted.Error() + ")"},
		"waiting":   {func(w *world) { w.start(); w.fails() }, ""},
		"stopped":   {func(w *world) { w.start(); w.fails(); w.settled(w.client.Stop(w.task)) }, ""},
	}
	for name, c := range states {
		for _, hurry := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, hurry %v", name, hurry), func(t *testing.T) {
				eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
					w := newWorld(t, task)
					for range 2 {
						c.reach(w)
						w.d.notes, w.tries = nil, nil
						stop := started(task, w.client.Stop)
						if hurry {
							stop.Cancel(errLuck)
						}
						if err := mustEnd(t, task, stop); err != nil && !(hurry && errors.Is(err, corolla.ErrCanceled)) {
							t.Errorf("Stop: %v", err)
						}
						if !hurry {
							w.d.want(t, c.did)
						}
						if s := task.Loop().Stats(); s.Timers != 0 || s.Tasks != 1 || len(w.tries) != 0 {
							t.Errorf("left: %+v, %d attempts", s, len(w.tries))
						}
						if err := w.client.WhenConnected(0); !err.Canceled() && name != "not started" {
							t.Errorf("WhenConnected: %v", err)
						}
					}
					w.end()
				})
			})
		}
	}
}
