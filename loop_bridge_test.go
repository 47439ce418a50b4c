package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// A queue that nobody empties must not take all that a fast sender has.
func TestFromChanHoldsNoMoreThanItsSize(t *testing.T) {
	for size, room := range map[int]int{-1: 1, 0: 1, 1: 1, 3: 3} {
		eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
			const sent = 50
			ch := make(chan int, sent)
			for i := range sent {
				ch <- i
			}
			close(ch)
			run(t, l, func(task *corolla.Task) error {
				q := corolla.FromChan(l, ch, size)
				for len(ch) > sent-room-1 { // one more is received, and waits for room
					if err := task.Yield(); err != nil {
						return err
					}
				}
				for range 100 { // time enough for more
					if _, err := corolla.Offload(l, func() (int, error) { return 0, nil }).Await(task); err != nil {
						return err
					}
				}
				if q.Len() != room || len(ch) != sent-room-1 {
					t.Errorf("size %d: %d are in the queue, and %d of %d still in the channel", size, q.Len(), len(ch), sent)
				}
				for i := range sent {
					if v, err := q.Get(task); v != i || err != nil {
						t.Fatalf("size %d: got %d, %v, want %d", size, v, err, i)
					}
				}
				if _, err := q.Get(task); err != corolla.ErrQueueShutdown {
					t.Errorf("size %d: at the end: %v", size, err)
				}
				return nil
			})
		})
	}
}

// What is sent once the loop is closed is somebody else's.
func TestClosedLoopReceivesFromNoChannel(t *testing.T) {
	for range 100 {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		ch := make(chan int, 1)
		corolla.FromChan(l, ch, 1)
		l.Stop()
		if err := errors.Join(l.RunForever(), l.Close()); err != nil { // it has just begun to receive
			t.Fatal(err)
		}
		ch <- 1
		for range 100 {
			runtime.Gosched() // whoever would take it has its turn
		}
		if len(ch) != 1 {
			t.Fatal("a value was taken by a loop that is closed, and lost")
		}
	}
}

// A sender that is canceled closes its channel, and must not be sending to it any more.
func TestToChanCanceledAsItBeginsToSend(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			for range 100 {
				q := corolla.NewQueue[int](1)
				if err := q.Put(task, 1); err != nil {
					return err
				}
				ch := make(chan int)
				sender := corolla.ToChan(l, q, ch)
				sender.Cancel(nil)
				if _, err := sender.Await(task); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("canceled: %v", err)
				}
				if _, ok := <-ch; ok {
					t.Error("a value after the cancel")
				}
			}
			return nil
		})
	})
}

// bridged runs f with a real loop, and with a simulated one to which goroutines are made
// known.
func bridged(t *testing.T, f func(t *testing.T, l *corolla.Loop, outside func(func()))) {
	t.Run("real", func(t *testing.T) {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		f(t, l, func(f func()) { go f() })
	})
	t.Run("sim", func(t *testing.T) {
		w := sim.New(1)
		f(t, w.NewLoop(), w.Outside)
	})
}

func TestCallFromAGoroutine(t *testing.T) {
	bridged(t, func(t *testing.T, l *corolla.Loop, outside func(func())) {
		done := make(chan struct{})
		outside(func() {
			defer close(done)
			v, err := corolla.Call(context.Background(), l, func(task *corolla.Task) (int, error) {
				return 7, task.Sleep(ms)
			})
			if v != 7 || err != nil {
				t.Errorf("Call = %v, %v", v, err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			_, err = corolla.Call(ctx, l, func(task *corolla.Task) (int, error) {
				cancel()
				return 0, forever(task)
			})
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Call whose context ends = %v", err)
			}
			l.Stop()
		})
		mustRunForever(t, l)
		<-done
		blocked := make(chan error)
		begun := make(chan struct{})
		outside(func() {
			_, err := corolla.Call(context.Background(), l, func(task *corolla.Task) (int, error) {
				close(begun)
				l.Stop()
				return 0, forever(task)
			})
			blocked <- err
		})
		mustRunForever(t, l)
		<-begun
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-blocked; !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Call on a loop that was closed meanwhile = %v", err)
		}
		if _, err := corolla.Call(context.Background(), l, func(*corolla.Task) (int, error) { return 0, nil }); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Call on a closed loop = %v", err)
		}
	})
}

// TestCallOnTheLoop would wait for itself.
func TestCallOnTheLoop(t *testing.T) {
	if !knowsCallers {
		t.Skip("on this processor Call does not know who calls")
	}
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		call := func() {
			_, _ = corolla.Call(context.Background(), l, func(*corolla.Task) (int, error) { return 1, nil })
		}
		run(t, l, func(task *corolla.Task) error {
			if text := panicText(t, call); !strings.Contains(text, "Await") {
				t.Errorf("in a task: %q", text)
			}
			next, _ := corolla.Pull(func(func(int) bool) { call() })
			if text := panicText(t, func() { next() }); !strings.Contains(text, "Await") {
				t.Errorf("in a generator: %q", text)
			}
			done := corolla.NewFuture[string](l)
			l.Soon(func() { _ = done.Resolve(panicText(t, call)) })
			text, err := done.Await(task)
			if !strings.Contains(text, "Await") {
				t.Errorf("in a callback: %q", text)
			}
			return err
		})
	})
}

// TestCallOfAnIdleLoop ends with its context, whether the loop never ran or has stopped meanwhile.
func TestCallOfAnIdleLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error)
		begun := false
		call := func() {
			_, err := corolla.Call(ctx, l, func(t *corolla.Task) (int, error) {
				begun = true
				l.Stop()
				return 0, t.Park("a test")
			})
			result <- err
		}
		go call()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Call of a loop that never ran: %v", err)
		}
		l.Stop()
		if err := l.RunForever(); err != nil || begun { // it runs what was posted
			t.Errorf("a call that was given up has begun: %v, %v", begun, err)
		}
		ctx, cancel = context.WithCancel(context.Background())
		posted := make(chan struct{})
		go func() {
			_ = l.Post(func() {})
			close(posted)
			call()
		}()
		<-posted
		for !begun {
			if err := l.RunForever(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Call of a loop that was stopped: %v", err)
		}
	})
}

// TestCallOfABusyLoop ends with its context though the loop has not come to it.
func TestCallOfABusyLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		l.Soon(func() {
			ctx, cancel := context.WithCancel(context.Background())
			result := make(chan error)
			go func() {
				_, err := corolla.Call(ctx, l, func(*corolla.Task) (int, error) { return 0, errors.New("it has begun") })
				result <- err
			}()
			cancel()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("Call = %v", err)
			}
		})
		run(t, l, func(task *corolla.Task) error { return task.Sleep(time.Millisecond) })
	})
}

func TestChannels(t *testing.T) {
	bridged(t, func(t *testing.T, l *corolla.Loop, outside func(func())) {
		in, out := make(chan int), make(chan int)
		got := make(chan string, 1)
		outside(func() {
			for i := range 5 {
				in <- i
			}
			close(in)
		})
		outside(func() {
			var all []int
			for v := range out {
				all = append(all, v)
			}
			got <- fmt.Sprint(all)
		})
		run(t, l, func(task *corolla.Task) error {
			from := corolla.FromChan(l, in, 2)
			to := corolla.NewQueue[int](1)
			sender := corolla.ToChan(l, to, out)
			for {
				v, err := from.Get(task)
				if err == corolla.ErrQueueShutdown {
					break
				}
				if err != nil {
					return err
				}
				if err := to.Put(task, 10*v); err != nil {
					return err
				}
			}
			to.Shutdown(false)
			_, err := sender.Await(task)
			return err
		})
		if s := <-got; s != "[0 10 20 30 40]" {
			t.Errorf("got %s", s)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestChannelsWhoseOtherEndIsGone(t *testing.T) {
	bridged(t, func(t *testing.T, l *corolla.Loop, _ func(func())) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.FromChan(l, make(chan int), 1) // nobody sends
			to := corolla.NewQueue[int](1)
			sender := corolla.ToChan(l, to, make(chan int)) // nobody receives
			if err := to.Put(task, 1); err != nil {
				return err
			}
			err := task.Timeout(ms, func(*corolla.Scope) error { _, err := q.Get(task); return err })
			if err == nil {
				t.Error("a value out of nowhere")
			}
			sender.Cancel(nil)
			if _, err := sender.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("a sender that was canceled = %v", err)
			}
			return nil
		})
		if err := l.Close(); err != nil { // the other still blocks
			t.Error(err)
		}
	})
}

func TestToChanClosesTheChannelHoweverSoonItIsCanceled(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ch := make(chan int)
			f := corolla.ToChan(l, corolla.NewQueue[int](1), ch)
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("ToChan: %v", err)
			}
			select {
			case _, open := <-ch:
				if open {
					t.Error("a value came")
				}
			default:
				t.Error("the channel is open")
			}
			return nil
		})
	})
}

func TestFromChanAtTheEndOfRun(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ch := make(chan int)
		run(t, l, func(task *corolla.Task) error {
			l.Go(func(task *corolla.Task) error {
				return task.Shielded(func(*corolla.Scope) error {
					if err := task.Yield(); err != nil {
						return err
					}
					_, err := corolla.FromChan(l, ch, 1).Get(task)
					if !errors.Is(err, corolla.ErrQueueShutdown) {
						t.Errorf("Get = %v", err)
					}
					return nil
				})
			}, corolla.Eager())
			return nil
		})
	})
}
