package web_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
)

// two runs test with a server, another one that serves on another listener of the loop, and a function for GiveIdle
// that hands connections from the first to the second.
func two(t *testing.T, test func(t *testing.T, task *corolla.Task, a, b *web.Server, address string, give func(c *aio.Conn, done func(bool)))) {
	t.Helper()
	served(t, handling(named("a")), func(t *testing.T, task *corolla.Task, a *web.Server, address string) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b := &web.Server{Handler: named("b")}
		serving := task.Loop().Go(func(task *corolla.Task) error { return b.Serve(task, ln, aio.MaxConns(1)) })
		_ = task.Yield() // it serves
		test(t, task, a, b, address, func(c *aio.Conn, done func(bool)) {
			m, err := c.Move()
			if err != nil {
				t.Error(err)
				done(false)
				return
			}
			if c, err = m.To(task.Loop()); err == nil {
				err = b.AdoptAt(ln, c)
			}
			if err != nil {
				t.Error(err)
			}
			done(true)
		})
		if err := b.Shutdown(task); err != nil {
			t.Error(err)
		}
		_, _ = serving.Await(task) // http.ErrServerClosed
	})
}

// named answers with a server's name, once it is let.
func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if let := letting; let != nil && r.URL.Path == "/held" {
			if err := let.Wait(web.Task(r)); err != nil {
				panic(err)
			}
		}
		fmt.Fprint(w, name)
	}
}

// letting is what requests for /held wait for.
var letting *corolla.Event

// Connections that wait, that have begun a request, and that are answered later, go to another server, and their
// clients do not notice.
func TestGiveIdle(t *testing.T) {
	two(t, func(t *testing.T, task *corolla.Task, a, b *web.Server, address string, give func(*aio.Conn, func(bool))) {
		letting = new(corolla.Event)
		defer func() { letting = nil }()
		idle, fresh, half, busy, ahead := dial(t, task, address), dial(t, task, address), dial(t, task, address), dial(t, task, address), dial(t, task, address)
		all := []*client{idle, fresh, half, busy, ahead}
		for _, c := range []*client{idle, half} {
			c.send(get("/"))
			c.want(200, "a")
		}
		half.send(get("/")[:10])
		busy.send(get("/held"))
		ahead.send(get("/held") + get("/") + get("/")[:10])
		for a.Stats() != (web.ServerStats{Conns: 5, Idle: 1, Active: 2, Partial: 10}) {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		a.GiveIdle(give)
		letting.Set()
		for _, c := range []*client{busy, ahead, ahead} {
			if r := c.want(200, "a"); r.Close {
				t.Error("a connection was closed that could be given away")
			}
		}
		half.send(get("/")[10:])
		ahead.send(get("/")[10:])
		for _, c := range []*client{idle, fresh, busy} {
			c.send(get("/"))
		}
		for range 2 {
			for _, c := range all {
				c.want(200, "b")
				c.send(get("/"))
			}
		}
		for _, c := range all {
			c.want(200, "b")
		}
		if st := a.Stats(); st != (web.ServerStats{}) {
			t.Errorf("the first server has %+v", st)
		}
		if st := b.Stats(); st.Conns != len(all) || st.Active != 0 {
			t.Errorf("the second server has %+v", st)
		}
		for _, c := range all {
			c.close()
		}
	})
}

// A connection that nobody takes is answered once more, and told of its end; and Shutdown waits for those of which
// it is not known.
func TestGiveIdleInVain(t *testing.T) {
	two(t, func(t *testing.T, task *corolla.Task, a, _ *web.Server, address string, _ func(*aio.Conn, func(bool))) {
		now, later, never := dial(t, task, address), dial(t, task, address), dial(t, task, address)
		for _, c := range []*client{now, later, never} {
			c.send(get("/"))
			c.want(200, "a")
		}
		var waiting []func(bool)
		a.GiveIdle(func(_ *aio.Conn, done func(bool)) {
			if waiting = append(waiting, done); len(waiting) == 1 {
				done(false)
			}
		})
		for _, c := range []*client{now, later, never} {
			c.send(get("/")) // which nobody reads of two
		}
		if r := now.want(200, "a"); !r.Close {
			t.Error("the last answer does not say so")
		}
		now.ends()
		waiting[1](false)
		waiting[1](true) // the second time it does nothing
		if r := later.want(200, "a"); !r.Close {
			t.Error("the last answer does not say so")
		}
		later.ends()
		stopping := task.Loop().Go(func(task *corolla.Task) error { return a.Shutdown(task) })
		for range 10 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if stopping.Done() {
			t.Error("Shutdown has not waited")
		}
		waiting[2](false)
		if r := never.want(200, "a"); !r.Close { // it was asked before
			t.Error("the last answer does not say so")
		}
		if _, err := stopping.Await(task); err != nil {
			t.Error(err)
		}
		for _, c := range []*client{now, later, never} {
			c.close()
		}
	})
}

// GiveIdle of nothing goes back to keeping connections; and what is adopted counts for a limit, and is not refused
// by it.
func TestGiveIdleEnds(t *testing.T) {
	two(t, func(t *testing.T, task *corolla.Task, a, b *web.Server, address string, give func(*aio.Conn, func(bool))) {
		c, d := dial(t, task, address), dial(t, task, address)
		a.GiveIdle(give)
		for _, c := range []*client{c, d} {
			c.send(get("/"))
			c.want(200, "b")
		}
		if n := b.Stats().Conns; n != 2 {
			t.Errorf("%d connections beyond a limit of 1, want 2", n)
		}
		a.GiveIdle(nil)
		e := dial(t, task, address)
		for range 2 {
			e.send(get("/"))
			if r := e.want(200, "a"); r.Close {
				t.Error("the connection was not kept")
			}
		}
		for _, c := range []*client{c, d, e} {
			c.close()
		}
	})
}

// A connection that is reset while it is away, by Close.
func TestCloseWhileAway(t *testing.T) {
	two(t, func(t *testing.T, task *corolla.Task, a, _ *web.Server, address string, _ func(*aio.Conn, func(bool))) {
		c := dial(t, task, address)
		c.send(get("/"))
		c.want(200, "a")
		var done func(bool)
		a.GiveIdle(func(_ *aio.Conn, f func(bool)) { done = f })
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		done(false)
		done(true)
		if _, err := io.ReadAll(c.in); err == nil {
			t.Error("the connection was not reset")
		}
		c.close()
	})
}
