package gen

import "github.com/corolla-go/corolla"

// maxCalls is how many calls that need not wait are made in one stretch, as with tasks.
const maxCalls = 64

// count counts a call that did not have to wait. The first one after a wait costs nothing, and the
// others the reading of a clock. What is due is paid by the next call, for this one's result is
// the caller's, whatever may come of waiting.
func (s *shared) count(l *corolla.Loop) {
	s.calls++
	s.spent = s.calls >= maxCalls || s.calls > 1 && l.Overdue()
}

// pause lets others run if the generator has had its share.
func pause(y *Yield[Wait, struct{}]) error {
	if !y.spent {
		return nil
	}
	_, err := y.Yield(Turn())
	return err
}

// Read reads at most len(b) bytes from a socket, in a generator that runs on a loop:
// it yields until there is one. At the end of the stream it returns io.EOF. A generator that
// finds something every time lets others run after 64 calls, or when the loop's TurnBudget is spent.
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

// Write writes all of b to a socket, in a generator that runs on a loop. It lets others run as
// Read does.
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
