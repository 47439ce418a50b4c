package corolla_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
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
