package aio_test

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Serve that is canceled closes its listener: nobody connects to a server that is none.
func TestServeClosesItsListener(t *testing.T) {
	serving(t, echoes, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, served *corolla.Future[struct{}], _ *[]error) {
		c := connectTo(t, task, srv)
		if _, err := c.Write(task, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := answered(task, c); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if err := srv.Serve(task); !errors.Is(err, corolla.ErrBusy) { // while the other serves
			t.Errorf("a second Serve: %v", err)
		}
		c = connectTo(t, task, srv)
		_ = c.Close()
		served.Cancel(nil)
		if _, err := served.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Serve: %v", err)
		}
		if c, err := aio.Dial(task, "tcp", srv.Addr().String()); err == nil {
			t.Error("one connects behind the end of Serve")
			_ = c.Close()
		}
	})
}

func TestShutdownWaitsForClients(t *testing.T) { // differences 17, asyncio rule 49
	server(t, aio.MaxConns(0), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		a, b := dial(), dial()
		send(t, task, a, "x")
		if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		l := task.Loop()
		l.After(time.Second, func() { _ = a.Close(); _ = b.Close() })
		aborted, err := srv.Shutdown(task)
		if aborted != 0 || err != nil || l.Now() < time.Second || srv.Conns() != 0 {
			t.Errorf("Shutdown = %d, %v at %v", aborted, err, l.Now())
		}
	})
}

func TestShutdownAbortsClientsThatStay(t *testing.T) {
	server(t, aio.MaxConns(0), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		clients := []*aio.Conn{dial(), dial()}
		if err := task.Sleep(time.Second); err != nil {
			t.Fatal(err)
		}
		var aborted int
		err := task.Timeout(time.Second, func(*corolla.Scope) (err error) {
			aborted, err = srv.Shutdown(task)
			return err
		})
		if aborted != 2 || !errors.Is(err, os.ErrDeadlineExceeded) || srv.Conns() != 0 {
			t.Errorf("Shutdown = %d, %v", aborted, err)
		}
		for _, c := range clients {
			if _, err := c.Read(task, make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("a client that was aborted reads %v", err)
			}
			_ = c.Close()
		}
	})
}

func TestShutdownOfAConnectionThatWasJustAccepted(t *testing.T) {
	server(t, aio.MaxConns(0), func(t *testing.T, task *corolla.Task, srv *aio.Server, dial func() *aio.Conn) {
		c := dial()
		defer c.Close()
		for srv.Conns() == 0 { // accepted, and its task has not begun
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		err := task.Timeout(0, func(*corolla.Scope) error { _, err := srv.Shutdown(task); return err })
		if !errors.Is(err, os.ErrDeadlineExceeded) || srv.Conns() != 0 {
			t.Errorf("Shutdown = %v with %d connections", err, srv.Conns())
		}
	})
}

func TestServeWaitsForItsHandlers(t *testing.T) { // asyncio rule 49
	serving(t, echoes, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, served *corolla.Future[struct{}], _ *[]error) {
		c := connectTo(t, task, srv)
		send(t, task, c, "x")
		if err := answered(task, c); err != nil {
			t.Error(err)
		}
		down := corolla.Go(task.Loop(), srv.Shutdown)
		for range 10 {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				t.Fatal(err)
			}
			if served.Done() || down.Done() {
				t.Fatal("it did not wait for a client")
			}
		}
		if _, err := aio.Dial(task, "tcp", c.RemoteAddr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		send(t, task, c, "y") // which is served to its end
		if err := answered(task, c); err != nil {
			t.Error(err)
		}
		_ = c.Close()
		if aborted, err := down.Await(task); aborted != 0 || err != nil {
			t.Errorf("Shutdown = %d, %v", aborted, err)
		}
		if _, err := served.Await(task); err != aio.ErrServerClosed {
			t.Errorf("Serve = %v", err)
		}
	})
}

// A handler may wait for something that has nothing to do with its connection.
func TestShutdownCancelsHandlers(t *testing.T) {
	waits := func(task *corolla.Task, _ *aio.Conn) error { return corolla.NewSemaphore(0).Acquire(task) }
	serving(t, waits, nil, func(t *testing.T, task *corolla.Task, srv *aio.Server, _ *corolla.Future[struct{}], _ *[]error) {
		c := connectTo(t, task, srv)
		settle(t, task, func() bool { return srv.Conns() == 1 })
		var aborted int
		err := task.Timeout(0, func(*corolla.Scope) (err error) { aborted, err = srv.Shutdown(task); return err })
		if aborted != 1 || !errors.Is(err, os.ErrDeadlineExceeded) || srv.Conns() != 0 {
			t.Errorf("Shutdown = %d, %v, with %d connections", aborted, err, srv.Conns())
		}
		_ = c.Close()
	})
}
