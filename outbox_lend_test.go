package corolla_test

import (
	"errors"
	"net"
	"testing"

	"github.com/corolla-go/corolla"
)

// borrower notes what it is told of its loans.
type borrower struct {
	back []func() // of those that have begun
	lost []error
}

func (b *borrower) borrow(out *corolla.Outbox) {
	out.Lend(func(back func()) { b.back = append(b.back, back) }, func(err error) { b.lost = append(b.lost, err) })
}

// The second of two borrowers has its turn for itself, whatever the first does.
func TestLoanIsGivenBackOnce(t *testing.T) {
	boxed(t, 100, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			var first, second borrower
			first.borrow(out)
			second.borrow(out)
			put(t, out, 3)
			first.back[0]()
			for len(second.back) == 0 {
				if err := task.Yield(); err != nil {
					return err
				}
			}
			first.back[0]()
			if err := turns(task, 3); err != nil {
				return err
			}
			if out.Len() != 3 {
				t.Error("written during another's turn")
			}
			second.back[0]()
			if _, err := readN(task, b, 3); err != nil {
				return err
			}
			if len(first.lost)+len(second.lost) > 0 {
				t.Errorf("lost: %v, %v", first.lost, second.lost)
			}
			return nil
		})
	})
}

func TestFinishedOutboxWaitsForWhoBorrowsIt(t *testing.T) {
	boxed(t, 100, func(l *corolla.Loop, out *corolla.Outbox, _, _ *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			var who, late borrower
			who.borrow(out)
			done := false
			out.Finish(func() { done = true })
			waiting := l.Go(out.WaitEmpty, corolla.Eager())
			if late.borrow(out); len(late.back) > 0 || len(late.lost) != 1 || !errors.Is(late.lost[0], net.ErrClosed) {
				t.Errorf("a loan of an outbox that is finished: %+v", late)
			}
			if done || waiting.Done() {
				t.Error("finished while it is lent")
			}
			who.back[0]()
			if !done {
				t.Error("not told that all is sent")
			}
			_, err := waiting.Await(task)
			return err
		})
	})
}

func TestCorkedOutboxIsLentWhenItIsUncorked(t *testing.T) {
	boxed(t, 100, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			var who borrower
			out.Cork()
			who.borrow(out)
			if put(t, out, 1); len(who.back) > 0 {
				t.Error("lent while it is corked")
			}
			if out.Uncork(); len(who.back) != 1 {
				t.Fatalf("lent %d times", len(who.back))
			}
			out.Uncork() // changes nothing
			if out.TrySend(); len(who.back) != 1 || out.Len() != 1 {
				t.Errorf("lent %d times, %d bytes wait", len(who.back), out.Len())
			}
			who.back[0]()
			_, err := readN(task, b, 1)
			return err
		})
	})
}

// A socket that is closed takes its loans along: those that have begun learn it from the socket.
func TestLoansOfASocketThatIsClosed(t *testing.T) {
	boxed(t, 100, func(l *corolla.Loop, out *corolla.Outbox, a, _ *corolla.Socket) {
		var first, second borrower
		run(t, l, func(*corolla.Task) error {
			first.borrow(out)
			second.borrow(out)
			closeAll(t, a)
			first.back[0]() // too late, and no harm
			return nil
		})
		if len(first.lost) != 0 || len(second.back) != 0 || len(second.lost) != 1 || !errors.Is(second.lost[0], net.ErrClosed) {
			t.Errorf("first %+v, second %+v", first, second)
		}
	})
}

func TestLentSocketIsTheBorrowersAlone(t *testing.T) {
	boxed(t, 100, func(l *corolla.Loop, out *corolla.Outbox, a, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			var back func()
			out.Lend(func(f func()) { back = f }, func(err error) { t.Errorf("lost: %v", err) })
			put(t, out, 1)
			out.Cork()
			put(t, out, 1)
			out.Uncork()
			if err := turns(task, 3); err != nil {
				return err
			}
			if back == nil || out.Len() != 2 {
				t.Fatalf("lent %v, %d bytes wait", back != nil, out.Len())
			}
			if _, err := a.TryWrite([]byte("mine ")); err != nil {
				return err
			}
			back()
			back() // once is enough
			got, err := readN(task, b, 7)
			if string(got) != "mine xx" {
				t.Errorf("received %q", got)
			}
			return err
		})
	})
}
