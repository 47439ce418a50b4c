package service_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/web"
)

type adapted struct {
	service func(ln func(l *corolla.Loop) (*aio.Listener, error)) service.Service
	ask     string
}

// What package service does not know of fits in as a task, whether it can be told to end or not.
func otherServers() map[string]adapted {
	return map[string]adapted{
		"web": {func(listen func(l *corolla.Loop) (*aio.Listener, error)) service.Service {
			srv := &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "HELLO") })}
			return service.NewTask("web", func(t *corolla.Task, ready func()) error {
				ln, err := listen(t.Loop())
				if err != nil {
					return err
				}
				ready()
				return srv.Serve(t, ln)
			}, service.StopWith(srv.Shutdown, http.ErrServerClosed))
		}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
		"green": {func(listen func(l *corolla.Loop) (*aio.Listener, error)) service.Service {
			return service.NewTask("green", func(t *corolla.Task, ready func()) error {
				h := green.NewHub(t.Loop())
				ln, err := listen(t.Loop())
				if err != nil {
					return err
				}
				ready()
				return h.Serve(h.WrapListener(ln), func(c *green.Conn) error {
					_, err := io.Copy(&upper{c}, c)
					return err
				})
			})
		}, "hello"},
		"aio": {func(listen func(l *corolla.Loop) (*aio.Listener, error)) service.Service {
			var srv *aio.Server
			return service.NewTask("aio", func(t *corolla.Task, ready func()) error {
				ln, err := listen(t.Loop())
				if err != nil {
					return err
				}
				srv = aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error { // one question, so that it ends by itself
					b := make([]byte, 5)
					if _, err := c.ReadFull(t, b); err != nil {
						return err
					}
					_, err := (&upper{c.Bind(t)}).Write(b)
					return err
				})
				ready()
				return srv.Serve(t)
			}, service.StopWith(func(t *corolla.Task) error { _, err := srv.Shutdown(t); return err }, aio.ErrServerClosed))
		}, "hello"},
	}
}

func TestServersOfOtherPackages(t *testing.T) {
	for name, c := range otherServers() {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var ln *aio.Listener
				app := service.NewTree("app", c.service(func(l *corolla.Loop) (_ *aio.Listener, err error) {
					ln, err = aio.Listen(l, "tcp", "127.0.0.1:0")
					return ln, err
				}))
				if err := app.Start(task); err != nil {
					t.Fatal(err)
				}
				conn, err := aio.Dial(task, "tcp", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write(task, []byte(c.ask)); err != nil {
					t.Error(err)
				}
				if got, err := conn.ReadUntil(task, []byte("HELLO")); !strings.HasSuffix(string(got), "HELLO") || err != nil {
					t.Errorf("the answer is %q, %v", got, err)
				}
				if err := app.Stop(task); err != nil {
					t.Errorf("Stop: %v", err)
				}
				if n, err := conn.Read(task, make([]byte, 1)); n != 0 || err == nil {
					t.Errorf("the connection is open: %v", err)
				}
				if again, err := aio.Dial(task, "tcp", ln.Addr().String()); err == nil {
					t.Errorf("it still listens: %v", again.Close())
				}
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
				until(t, task, "all is closed", func() bool { return task.Loop().Stats().Sockets == 0 })
			})
		})
	}
}

// upper writes in upper case.
type upper struct{ w io.Writer }

func (u *upper) Write(b []byte) (int, error) { return u.w.Write([]byte(strings.ToUpper(string(b)))) }
