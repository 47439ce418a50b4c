package corolla_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestUnseenErrorIsReportedOnce(t *testing.T) { // differences 5
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		seen, unseen := errors.New("seen"), errors.New("unseen")
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(*corolla.Task) error { return seen })
			l.Go(func(*corolla.Task) error { return unseen }, corolla.Name("lonely"))
			_, err := f.Await(task)
			if err != seen {
				t.Errorf("Await = %v", err)
			}
			return nil
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var u *corolla.UnseenError
		if len(log.errs) != 1 || !errors.As(log.errs[0], &u) || u.Err != unseen || !strings.Contains(u.Where, "lonely") {
			t.Errorf("the handler got %v, want the unseen error, once", log.errs)
		}
		log.errs = nil
	})
}

func TestUnseenErrorIsReportedWhenItsFutureIsCollected(t *testing.T) {
	var log errorLog
	l, err := corolla.New(corolla.ErrorHandler(log.add), corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		func() { _ = corolla.NewFuture[[64]int](l).Fail(errors.New("dropped")) }()
		for limit := l.Now() + 20*time.Second; len(log.errs) == 0 && l.Now() < limit; {
			runtime.GC()
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "dropped") {
		t.Errorf("the handler got %v", log.errs)
	}
}

func TestErrorJoinedWithTheLoopsEndIsNotLost(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		l.Go(func(t *corolla.Task) error { return errors.Join(t.Park("ever"), errBug) })
		l.Go(func(t *corolla.Task) error { return t.Park("ever") })
		l.Soon(l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(log.errs) != 1 || !errors.Is(log.errs[0], errBug) {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	})
}
