package corolla_test

import (
	"testing"

	"github.com/corolla-go/corolla"
)

func TestOutboxStats(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		check := func(when string, want corolla.OutboxStats) {
			t.Helper()
			if s := out.Stats(); s != want {
				t.Errorf("%s: %+v, want %+v", when, s, want)
			}
		}
		check("at first", corolla.OutboxStats{Low: 16 << 10, High: 64 << 10})
		out.SetMarks(2, 10)
		run(t, l, func(task *corolla.Task) error {
			put(t, out, 16) // of which 5 leave
			room := l.Go(out.Wait, corolla.Eager())
			empty := l.Go(out.WaitEmpty, corolla.Eager())
			var first, second borrower
			first.borrow(out)
			put(t, out, 1)
			second.borrow(out)
			check("with two turns behind bytes", corolla.OutboxStats{Bytes: 12, Turns: 2, Low: 2, High: 10, Above: true, Waiting: 2})
			if _, err := readN(task, b, 16); err != nil {
				return err
			}
			for _, f := range []*corolla.Future[struct{}]{room, empty} { // the mark wakes all, to look again
				if _, err := f.Await(task); err != nil {
					return err
				}
			}
			for len(first.back) == 0 {
				if err := task.Sleep(ms); err != nil {
					return err
				}
			}
			check("in the first turn", corolla.OutboxStats{Bytes: 1, Turns: 2, Low: 2, High: 10})
			first.back[0]()
			if _, err := readN(task, b, 1); err != nil {
				return err
			}
			check("in the second turn", corolla.OutboxStats{Turns: 1, Low: 2, High: 10})
			second.back[0]()
			check("at the end", corolla.OutboxStats{Low: 2, High: 10})
			return nil
		})
	})
}
