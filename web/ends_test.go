package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// Connections that end after each byte of what is sent, in each way that they can end.

const everything = "GET / HTTP/1.1\r\nHost: test\r\n\r\n" +
	"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello" +
	"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n" +
	"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc" +
	"HEAD / HTTP/1.1\r\nHost: test\r\n\r\n" +
	"GET /large HTTP/1.1\r\nHost: test\r\n\r\n" +
	"GET /wait HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

// handles reads the whole body, waits for nothing in particular, and answers.
func handles(w http.ResponseWriter, r *http.Request) {
	_, err := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/large":
		for range 50 {
			_, _ = w.Write(make([]byte, 4<<10)) // the client may be gone
		}
	case "/wait":
		_ = web.Task(r).Sleep(50 * time.Millisecond) // or the client is gone
	}
	if err == nil {
		_, _ = io.WriteString(w, "done")
	}
}

// eachByte runs test on a simulated machine for each length of a beginning of everything.
func eachByte(t *testing.T, test func(task *corolla.Task, s *serving, sent string) error) {
	t.Helper()
	for n := range len(everything) + 1 {
		w := sim.New(uint64(n), sim.Latency(time.Millisecond, 2*time.Millisecond), sim.Buffer(wire))
		l := w.NewLoop(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("%d bytes: error handler: %v", n, err) }))
		if err := l.Run(func(task *corolla.Task) error {
			var log strings.Builder
			s := startServer(t, l, http.HandlerFunc(handles), func(s *web.Server) { s.ErrorLog.SetOutput(&log) })
			err := test(task, s, everything[:n])
			if got := s.Stats(); got != (web.ServerStats{}) {
				t.Errorf("%d bytes: %+v are left", n, got)
			}
			s.stop(t, task)
			if log.Len() > 0 {
				t.Errorf("%d bytes: the log has %s", n, log.String())
			}
			return err
		}); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		leaktest.Close(t, l)
		if open := w.Open(); open != 0 {
			t.Errorf("%d bytes: %d descriptors left open", n, open)
		}
	}
}

func TestClientsThatEndAtEveryByte(t *testing.T) {
	for name, end := range map[string]func(*aio.Conn) error{
		"reset": (*aio.Conn).Abort, "close": (*aio.Conn).Close, "half": (*aio.Conn).CloseWrite,
	} {
		t.Run(name, func(t *testing.T) {
			eachByte(t, func(task *corolla.Task, s *serving, sent string) error {
				c, err := aio.Dial(task, "tcp", s.addr)
				if err != nil {
					return err
				}
				if _, err := c.Write(task, []byte(sent)); err != nil {
					return err
				}
				if err := task.Sleep(time.Duration(len(sent)%3) * 5 * time.Millisecond); err != nil {
					return err
				}
				if err := end(c); err != nil {
					return err
				}
				if name == "half" {
					_, _ = io.Copy(io.Discard, c.Bind(task)) // a handler that has to wait ends, and its answer is cut off
					err = c.Close()
				}
				return errors.Join(err, task.Sleep(10*time.Second))
			})
		})
	}
}

func TestShutdownAtEveryByte(t *testing.T) {
	eachByte(t, func(task *corolla.Task, s *serving, sent string) error {
		c, err := aio.Dial(task, "tcp", s.addr)
		if err != nil {
			return err
		}
		if _, err := c.Write(task, []byte(sent)); err != nil {
			return err
		}
		if err := task.Sleep(time.Duration(len(sent)%7) * time.Millisecond); err != nil {
			return err
		}
		reading := corolla.Go(task.Loop(), func(task *corolla.Task) (int64, error) {
			return io.Copy(io.Discard, c.Bind(task))
		})
		var late *corolla.TimeoutError
		if err := task.Timeout(5*time.Second, func(*corolla.Scope) error { return s.Shutdown(task) }); err != nil && !errors.As(err, &late) {
			return fmt.Errorf("shutdown: %w", err)
		}
		if got := s.Stats(); got != (web.ServerStats{}) {
			return fmt.Errorf("after Shutdown: %+v", got)
		}
		_, _ = reading.Await(task) // which a reset may have ended
		return c.Close()
	})
}
