package websocket_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web/websocket"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// env is what a test has that runs in a task.
type env struct {
	*testing.T
	task *corolla.Task
	loop *corolla.Loop
	ends []io.Closer
}

// eachHost runs a test in a task of a real loop and of a simulated one, whose clock agrees with the
// certificates'. Debug makes memory that is used too late visible.
func eachHost(t *testing.T, test func(e *env)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.Debug(), corolla.ErrorHandler(func(err error) {
				t.Errorf("reached the error handler: %v", err)
			})}
			var l *corolla.Loop
			var err error
			if name == "sim" {
				l = sim.New(3, sim.Begin(time.Now())).NewLoop(opts...)
			} else {
				l, err = corolla.New(opts...)
			}
			leaktest.NeedLoop(t, err)
			onLoop(t, l, test)
		})
	}
}

func onLoop(t *testing.T, l *corolla.Loop, test func(e *env)) {
	t.Helper()
	if err := l.Run(func(task *corolla.Task) error {
		e := &env{T: t, task: task, loop: l}
		test(e)
		for _, c := range e.ends {
			_ = c.Close() // unless the test has
		}
		return task.Timeout(time.Minute, func(*corolla.Scope) error {
			for s := l.Stats(); s.Sockets > 0 || s.Jobs > 0 || s.Tasks > 1; s = l.Stats() {
				if err := task.Sleep(100 * time.Microsecond); err != nil {
					return err
				}
			}
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
}

// must ends the test with an error.
func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) listen() *aio.Listener {
	e.Helper()
	ln, err := aio.Listen(e.loop, "tcp", "127.0.0.1:0", smallBuffers...)
	e.must(err)
	e.ends = append(e.ends, ln)
	return ln
}

var smallBuffers = []corolla.SocketOption{corolla.ReadBuffer(64 << 10), corolla.WriteBuffer(64 << 10)}

// aside runs f in a task of its own, whose error fails the test.
func (e *env) aside(f func(t *corolla.Task) error) *corolla.Future[struct{}] {
	return e.loop.Go(func(t *corolla.Task) error {
		if err := f(t); err != nil {
			e.Errorf("aside: %v", err)
		}
		return nil
	})
}

// await waits for a task, at most a minute.
func (e *env) await(f *corolla.Future[struct{}]) {
	e.Helper()
	e.must(e.task.Timeout(time.Minute, func(*corolla.Scope) error {
		_, err := f.Await(e.task)
		return err
	}))
}

// settle waits until something is so, which must come by itself.
func (e *env) settle(so func() bool) {
	e.Helper()
	e.must(e.task.Timeout(time.Minute, func(*corolla.Scope) error {
		for !so() {
			if err := e.task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}))
}

// echo sends back what it reads, until the connection ends, and returns how it did.
func echo(t *corolla.Task, c *websocket.Conn) error {
	for {
		kind, b, err := c.Receive(t)
		if err != nil {
			return err
		}
		if err := c.Write(t, kind, b); err != nil {
			return err
		}
	}
}

// ends reports whether an error is how a connection ends whose peer says what it should, or should not.
func ends(err error) bool {
	return errors.As(err, new(*websocket.CloseError)) || errors.As(err, new(*websocket.ProtocolError)) || err == io.ErrUnexpectedEOF
}
