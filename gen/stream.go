package gen

import "github.com/corolla-go/corolla"

// maxCalls is how many calls in a row may go without waiting, as with tasks.
const maxCalls = 64

// count counts a call that did not have to wait. The first one after a wait costs nothing, the
// others a reading of the clock. It is the next call that yields: this one has a result, which must
// not be lost if the wait fails.
func (s *shared) count(l *corolla.Loop) {
	s.calls++
	s.spent = s.calls >= maxCalls || s.calls > 1 && l.Overdue()
}

// pause lets others run if the generator has used up its share.
func pause(y *Yield[Wait, struct{}]) error {
	if !y.spent {
		return nil
	}
	_, err := y.Yield(Turn())
	return err
}

// Read reads at most len(b) bytes from a socket, in a generator on a loop, and yields until there
// is at least one. At the end of the stream it returns io.EOF. A generator that never has to wait
// lets others run after 64 calls, or when the loop's TurnBudget is spent.
func Read(y *Yield[Wait, struct{}], s *corolla.Socket, b []byte) (int, error) {
	if err := pause(y); err != nil {
		return 0, err
	}
	for waited := false; ; waited = true {
		n, err := s.TryRead(b)
		if err != corolla.ErrWouldBlock {
			if !waited {
				y.count(s.Loop())
			}
			return n, err
		}
		if _, err := y.Yield(Readable(s)); err != nil {
			return 0, err
		}
	}
}

// Write writes all of b to a socket, in a generator on a loop. It lets others run as Read does.
func Write(y *Yield[Wait, struct{}], s *corolla.Socket, b []byte) (written int, err error) {
	if err := pause(y); err != nil {
		return 0, err
	}
	for waited := false; ; waited = true {
		n, err := s.TryWrite(b[written:])
		if written += n; err != nil && err != corolla.ErrWouldBlock || written == len(b) {
			if !waited {
				y.count(s.Loop())
			}
			return written, err
		}
		if _, err := y.Yield(Writable(s)); err != nil {
			return written, err
		}
	}
}
