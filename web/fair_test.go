package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web"
)

// A large answer that never has to wait lets others run between its pieces, however they are cut.
func TestLargeAnswersAreFair(t *testing.T) {
	for name, piece := range map[string]int{"large": 64 << 10, "small": 6 << 10} {
		t.Run(name, func(t *testing.T) {
			clientEach(t, func(e *clientEnv) {
				const pieces = 16
				turns, answered := 0, false
				s := startServer(t, e.loop, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					var turn func()
					turn = func() {
						if turns++; !answered {
							e.loop.Soon(turn)
						}
					}
					e.loop.Soon(turn)
					for range pieces * 64 << 10 / piece {
						if _, err := w.Write(make([]byte, piece)); err != nil {
							t.Error(err)
						}
					}
					answered = true
				}), unlimited)
				c, err := aio.Dial(e.task, "tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Write(e.task, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
				e.settle(func() bool { return answered })
				if err != nil || turns < pieces-1 {
					t.Errorf("others had %d turns, want %d: %v", turns, pieces-1, err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				s.stop(t, e.task)
			})
		})
	}
}

// unlimited lets answers wait in the server's memory, so that no write ever waits.
func unlimited(s *web.Server) {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		c.(*green.Conn).AIO().SetWriteMarks(1<<20, 64<<20)
		return ctx
	}
}

// Many requests that arrive together let others run between them.
func TestPipelinedRequestsAreFair(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		const requests = 20
		turns, answered := 0, 0
		s := startServer(t, e.loop, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			var turn func()
			turn = func() {
				if turns++; answered < requests {
					e.loop.Soon(turn)
				}
			}
			if answered++; answered == 1 {
				e.loop.Soon(turn)
			}
			for !e.loop.Overdue() {
				e.spend(time.Millisecond)
			}
		}))
		c, err := aio.Dial(e.task, "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Write(e.task, []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", requests)))
		e.settle(func() bool { return answered == requests })
		if err != nil || turns < requests-1 {
			t.Errorf("others had %d turns, want %d: %v", turns, requests-1, err)
		}
		if err := c.CloseWrite(); err != nil { // all is answered all the same
			t.Error(err)
		}
		b, err := io.ReadAll(c.Bind(e.task))
		if n := strings.Count(string(b), "HTTP/1.1 200 OK\r\n"); n != requests || err != nil {
			t.Errorf("%d answers, want %d: %v", n, requests, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		s.stop(t, e.task)
	})
}
