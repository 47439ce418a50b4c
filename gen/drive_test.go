package gen_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

type co = gen.Yield[gen.Wait, struct{}]

// onLoops runs a test on a real loop and on a simulated one.
func onLoops(t *testing.T, test func(t *testing.T, task *corolla.Task)) {
	t.Helper()
	for name, open := range map[string]func() (*corolla.Loop, error){
		"real": func() (*corolla.Loop, error) { return corolla.New(corolla.SlowLimit(0)) },
		"sim":  func() (*corolla.Loop, error) { return sim.New(1).NewLoop(), nil },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := open()
			if errors.Is(err, errors.ErrUnsupported) {
				leaktest.NeedLoop(t, err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Run(func(task *corolla.Task) error { test(t, task); return nil }); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
}

// nap sleeps, as a part that others can delegate to.
func nap(d time.Duration) *gen.Generator[gen.Wait, struct{}, string] {
	return gen.New(func(y *co) (string, error) {
		_, err := y.Yield(gen.Sleep(d))
		return "rested", err
	})
}

func TestDelegationOnTheLoop(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		f := gen.Go(l, func(y *co) (string, error) {
			begin := l.Now()
			s, err := gen.From(y, nap(2*time.Millisecond))
			if err != nil || l.Now()-begin < 2*time.Millisecond {
				t.Errorf("slept for %v, %v", l.Now()-begin, err)
			}
			answer := corolla.NewFuture[int](l)
			l.After(time.Millisecond, func() { _ = answer.Resolve(42) })
			if _, err := y.Yield(gen.Done(answer)); err != nil {
				return "", err
			}
			if v, err := answer.Result(); v != 42 || err != nil {
				t.Errorf("the future has %v, %v", v, err)
			}
			_, err = y.Yield(gen.Turn())
			return s, err
		})
		if s, err := f.Await(task); s != "rested" || err != nil {
			t.Errorf("Await = %q, %v", s, err)
		}
	})
}

func TestCancelClosesTheGenerator(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		for name, wait := range map[string]gen.Wait{
			"sleep": gen.Sleep(time.Hour), "done": gen.Done(corolla.NewFuture[int](l)), "turn": gen.Turn(),
		} {
			cleaned := false
			f := gen.Go(l, func(y *co) (int, error) {
				for {
					if _, err := y.Yield(wait); err != nil {
						cleaned = err == gen.ErrExit
						return 0, err
					}
				}
			})
			for range 3 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || !cleaned {
				t.Errorf("%s: Await = %v, cleaned up: %v", name, err, cleaned)
			}
		}
		var self *corolla.Future[int]
		self = gen.Go(l, func(y *co) (int, error) {
			self.Cancel(nil)
			_, err := y.Yield(gen.Sleep(time.Hour))
			return 0, err
		})
		if _, err := self.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("one that cancels itself: %v", err)
		}
	})
}

func TestGeneratorsAndSockets(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		var server *corolla.Socket
		server2 := gen.Go(l, func(y *co) (n int, err error) {
			for server == nil && err == nil {
				if server, err = ln.TryAccept(); err == corolla.ErrWouldBlock {
					_, err = y.Yield(gen.Readable(ln))
				}
			}
			if err == nil {
				n, err = gen.Read(y, server, make([]byte, 16))
			}
			return n, err
		})
		client, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		sender := gen.Go(l, func(y *co) (int, error) { return gen.Write(y, client, []byte("hello")) })
		if n, err := sender.Await(task); n != 5 || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
		if n, err := server2.Await(task); n == 0 || err != nil {
			t.Errorf("Read = %d, %v", n, err)
		}
		// A second one that wants to read is refused; closing wakes the first.
		read := func(y *co) (int, error) { return gen.Read(y, client, make([]byte, 1)) }
		first, second := gen.Go(l, read), gen.Go(l, read)
		if _, err := second.Await(task); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("a second reader: %v", err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if _, err := first.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a reader of a closed socket: %v", err)
		}
		end := gen.Go(l, func(y *co) (total int, err error) {
			for err == nil {
				var n int
				n, err = gen.Read(y, server, make([]byte, 16))
				total += n
			}
			return total, err
		})
		if _, err := end.Await(task); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestLoopClosesItsGenerators(t *testing.T) {
	l := sim.New(1).NewLoop()
	closed := 0
	for _, stubborn := range []bool{false, true} {
		gen.Go(l, func(y *co) (int, error) {
			for {
				if _, err := y.Yield(gen.Sleep(time.Hour)); err != nil {
					if closed++; !stubborn || closed > 5 {
						return 0, err
					}
				}
			}
		})
	}
	l.After(time.Second, l.Stop)
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
	closeLoop(t, l)
	if closed < 2 {
		t.Errorf("%d generators were closed", closed)
	}
}
