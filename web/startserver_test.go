package web_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web"
)

// serving is a server under test, and where it listens.
type serving struct {
	*web.Server
	addr string
	end  *corolla.Future[struct{}]
}

// startServer starts a server on a loop, with no timeouts but those that a test configures.
func startServer(t testing.TB, l *corolla.Loop, h http.Handler, configure ...func(*web.Server)) *serving {
	t.Helper()
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &web.Server{
		Handler: h, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: -1, ReadTimeout: -1, WriteTimeout: -1, IdleTimeout: -1, StallTimeout: -1,
	}
	for _, set := range configure {
		set(s)
	}
	return &serving{s, ln.Addr().String(), l.Go(func(task *corolla.Task) error { return s.Serve(task, ln) })}
}

// stop closes the server, and waits until all its connections are gone.
func (s *serving) stop(t testing.TB, task *corolla.Task) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("closing the server: %v", err)
	}
	if _, err := s.end.Await(task); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
	for task.Loop().Stats().Sockets > 0 {
		if err := task.Yield(); err != nil {
			t.Error(err)
			return
		}
	}
}

// onRealHost serves h on a real loop while test runs on the test's own goroutine. What test gives to on
// runs on the loop.
func onRealHost(t *testing.T, h http.Handler, test func(s *serving, on func(f func())), configure ...func(*web.Server)) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	var s *serving
	up, over, down := make(chan struct{}), corolla.NewFuture[struct{}](l), make(chan error)
	go func() {
		down <- l.Run(func(task *corolla.Task) error {
			s = startServer(t, l, h, configure...)
			close(up)
			if _, err := over.Await(task); err != nil {
				return err
			}
			s.stop(t, task)
			return nil
		})
	}()
	on := func(f func()) {
		ran := make(chan struct{})
		if err := l.Post(func() { f(); close(ran) }); err != nil {
			t.Error(err)
			return
		}
		<-ran
	}
	defer func() {
		on(func() { _ = over.Resolve(struct{}{}) }) // nothing else settles it
		if err := <-down; err != nil {
			t.Errorf("Run: %v", err)
		}
		leaktest.Close(t, l)
	}()
	<-up
	test(s, on)
}
