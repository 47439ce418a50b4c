package web_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// logTo returns a logger that appends to lines.
func logTo(lines *[]string) *log.Logger { return log.New((*lineWriter)(lines), "", 0) }

type lineWriter []string

func (l *lineWriter) Write(b []byte) (int, error) {
	*l = append(*l, string(b))
	return len(b), nil
}

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }

func TestHeadLimits(t *testing.T) {
	served(t, func() *web.Server {
		return &web.Server{Handler: http.HandlerFunc(hello), MaxHeaderBytes: 1000, ReadHeaderTimeout: 50 * time.Millisecond}
	}, func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
		for _, test := range []struct {
			send   string
			status int
		}{
			{"GET / HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("x", 960) + "\r\n\r\n", 200},
			{"GET / HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("x", 970) + "\r\n\r\n", 431},
			{"GET / HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("x", 1000), 431},
			{"GET / HTTP/1.1\r\nHost: te", 408},
		} {
			c := dial(t, task, address)
			c.send(test.send)
			if r, _ := c.answer("GET"); r.StatusCode != test.status {
				t.Errorf("%d bytes: %d, want %d", len(test.send), r.StatusCode, test.status)
			}
			c.close()
		}
		c := dial(t, task, address) // and says nothing at all
		c.ends()
		c.close()
		for s.Stats().Conns > 0 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestIdleConnections(t *testing.T) {
	served(t, func() *web.Server {
		return &web.Server{Handler: http.HandlerFunc(hello), IdleTimeout: 50 * time.Millisecond}
	}, func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
		c := dial(t, task, address)
		for range 3 {
			c.send(get("/"))
			c.want(200, "hello")
		}
		if st := s.Stats(); st != (web.ServerStats{Conns: 1, Idle: 1}) {
			t.Errorf("idle: %+v", st)
		}
		if n := task.Loop().Stats().Tasks; n != 2 { // this one and Serve's
			t.Errorf("%d tasks", n)
		}
		c.ends()
		c.close()
	})
}

// Heads that arrive slowly hold a bounded number of bytes together: the oldest have to go.
func TestSlowHeadsTogether(t *testing.T) {
	world := sim.New(1)
	l := world.NewLoop(corolla.SlowLimit(0))
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s := &web.Server{Handler: http.HandlerFunc(hello), MaxHeaderBytes: 1 << 20}
		serving := l.Go(func(task *corolla.Task) error { return s.Serve(task, ln) })
		half := "GET / HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("x", 1000<<10)
		var cs []*client
		for range 20 {
			c := dial(t, task, ln.Addr().String())
			c.send(half)
			cs = append(cs, c)
		}
		if err := task.Sleep(time.Second); err != nil {
			return err
		}
		if st := s.Stats(); st.Partial > 16<<20 || st.Partial < 15<<20 {
			t.Errorf("they hold %d bytes", st.Partial)
		}
		for i, c := range cs {
			if i < 3 {
				r, _ := c.answer("GET")
				if r.StatusCode != 503 {
					t.Errorf("connection %d: %s", i, r.Status)
				}
			} else if i > 10 {
				c.send("\r\n\r\n")
				c.want(200, "hello")
			}
			c.close()
		}
		if err := s.Shutdown(task); err != nil {
			t.Error(err)
		}
		if _, err := serving.Await(task); err != http.ErrServerClosed {
			t.Error(err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

type key string

func TestContexts(t *testing.T) {
	served(t, func() *web.Server {
		return &web.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx := context.WithValue(r.Context(), key("mine"), "m")
				r = r.WithContext(ctx)
				_, isServer := ctx.Value(http.ServerContextKey).(*web.Server)
				fmt.Fprint(w, ctx.Value(key("base")), ctx.Value(key("conn")), ctx.Value(key("mine")), isServer,
					ctx.Value(http.LocalAddrContextKey).(net.Addr).Network(), web.Task(r) == web.Task(r).Loop().Current())
			}),
			BaseContext: func(ln net.Listener) context.Context {
				return context.WithValue(context.Background(), key("base"), ln.Addr().Network())
			},
			ConnContext: func(ctx context.Context, c net.Conn) context.Context {
				return context.WithValue(ctx, key("conn"), c.RemoteAddr().Network())
			},
		}
	}, func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		c.send(get("/"))
		c.want(200, "tcptcpmtruetcptrue")
		c.close()
	})
}
