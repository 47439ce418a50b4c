package service_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

// What a task's client makes of what its body does with each connection, and of how it is stopped then.
func TestTaskClient(t *testing.T) {
	waits := func(t *corolla.Task, c *aio.Conn) error {
		_, err := c.Read(t, make([]byte, 1))
		return err
	}
	for name, c := range map[string]struct {
		body  func(t *corolla.Task, c *aio.Conn) error
		retry string // what Retrying hears, "" if the body waits
		stop  error
	}{
		"it returns":          {body: func(*corolla.Task, *aio.Conn) error { return nil }, retry: "connection lost: EOF"},
		"it returns an error": {body: func(*corolla.Task, *aio.Conn) error { return errLuck }, retry: "connection lost: bad luck"},
		"it waits":            {body: waits},
		"it cleans up": {body: func(t *corolla.Task, c *aio.Conn) error {
			_ = waits(t, c)
			return t.Shielded(func(*corolla.Scope) error { return t.Sleep(time.Millisecond) })
		}},
		"it cannot clean up": {body: func(t *corolla.Task, c *aio.Conn) error { return errors.Join(waits(t, c), errLuck) }, stop: errLuck},
		"it panics":          {body: func(*corolla.Task, *aio.Conn) error { panic("oops") }, retry: "connection lost: panic in "},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return &shout{d: &diary{}} })
				if err != nil {
					t.Fatal(err)
				}
				n, heard := 0, []string(nil)
				client := service.NewTaskClient(task.Loop(), "c", func(t *corolla.Task) (*aio.Conn, error) {
					return aio.Dial(t, "tcp", srv.Addr().String())
				}, func(t *corolla.Task, conn *aio.Conn) error {
					n++
					return c.body(t, conn)
				})
				client.Backoff = func(int) time.Duration { return time.Millisecond }
				client.Retrying = func(_ int, err error, _ time.Duration) { heard = append(heard, err.Error()) }
				if err := client.Start(task); err != nil {
					t.Fatal(err)
				}
				if _, err := client.WhenConnected(1).Await(task); err != nil {
					t.Fatal(err)
				}
				until(t, task, "the body runs, again and again", func() bool { return n > 2 || c.retry == "" && n == 1 })
				err = client.Stop(task)
				if c.retry != "" { // the body may have returned just now
					c.stop = err
				}
				if !errors.Is(err, c.stop) {
					t.Errorf("Stop: %v, want %v", err, c.stop)
				}
				for _, h := range heard {
					if len(h) < len(c.retry) || h[:len(c.retry)] != c.retry || c.retry == "" {
						t.Errorf("Retrying heard %q, want %q", h, c.retry)
					}
				}
				if (len(heard) > 0) != (c.retry != "") {
					t.Errorf("Retrying heard %q", heard)
				}
				if err := srv.Close(); err != nil {
					t.Error(err)
				}
				until(t, task, "all is closed", func() bool { return task.Loop().Stats().Sockets == 0 })
			})
		})
	}
}

// A stop in a hurry aborts a connection whose body does not want to go.
func TestTaskClientIsAborted(t *testing.T) {
	eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return &shout{d: &diary{}} })
		if err != nil {
			t.Fatal(err)
		}
		var end error
		client := service.NewTaskClient(task.Loop(), "c", func(t *corolla.Task) (*aio.Conn, error) {
			return aio.Dial(t, "tcp", srv.Addr().String())
		}, func(t *corolla.Task, c *aio.Conn) error {
			return t.Shielded(func(*corolla.Scope) error {
				_, end = c.Read(t, make([]byte, 1))
				return end
			})
		})
		if err := client.Start(task); err != nil {
			t.Fatal(err)
		}
		if _, err := client.WhenConnected(1).Await(task); err != nil {
			t.Fatal(err)
		}
		err = task.Timeout(10*time.Millisecond, func(*corolla.Scope) error { return client.Stop(task) })
		if late := (*corolla.TimeoutError)(nil); !errors.As(err, &late) || end == nil || errors.Is(end, io.EOF) {
			t.Errorf("Stop: %v; the body's read: %v", err, end)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		until(t, task, "all is closed", func() bool { return task.Loop().Stats().Sockets == 0 })
	})
}

// An attempt that panics has failed; waiting for a connection can be given up; nobody is forgotten.
func TestClientSurvivesBadFunctions(t *testing.T) {
	eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		n := 0
		client := service.NewClient(task.Loop(), "c", func() *corolla.Future[*transport.Conn] {
			if n++; n == 2 {
				return nil
			}
			panic("oops")
		})
		client.Backoff = func(int) time.Duration { return 0 }
		client.Retrying = func(int, error, time.Duration) { panic("oops too") }
		if err := client.Start(task); err != nil {
			t.Fatal(err)
		}
		gone, stays := client.WhenConnected(0), client.WhenConnected(0)
		gone.Cancel(errLuck)
		if _, err := gone.Result(); !errors.Is(err, errLuck) {
			t.Errorf("who gave up: %v", err)
		}
		until(t, task, "three attempts", func() bool { return n > 2 })
		if err := client.Stop(task); err != nil {
			t.Error(err)
		}
		if _, err := stays.Result(); !errors.Is(err, service.ErrStopped) {
			t.Errorf("who stayed: %v", err)
		}
		for _, err := range *log {
			if p := (*corolla.PanicError)(nil); !errors.As(err, &p) {
				t.Errorf("reported: %v", err)
			}
		}
		if len(*log) < 4 {
			t.Errorf("reported: %v", *log)
		}
		*log = nil
	})
}
