package corolla_test

import (
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

func TestMarksAreExact(t *testing.T) { // asyncio rule 45
	for _, c := range []struct {
		buffer, left int
		above        bool
	}{{81, 20, false}, {80, 21, true}} { // down to the low mark, and not quite
		boxed(t, c.buffer, func(l *corolla.Loop, out *corolla.Outbox, _, _ *corolla.Socket) {
			var tr trace
			out.SetMarks(20, 100)
			out.OnMarks(func(above bool) { tr.add("%v:%d", above, out.Len()) })
			out.Cork()
			put(t, out, 100)
			if out.Above() {
				t.Error("above the high mark at the mark")
			}
			put(t, out, 1)
			if !out.Above() {
				t.Error("not above the high mark one byte behind it")
			}
			run(t, l, func(task *corolla.Task) error {
				woken := l.Go(out.Wait, corolla.Eager())
				out.Uncork()
				if err := turns(task, 2); err != nil {
					return err
				}
				if out.Len() != c.left || out.Above() != c.above || woken.Done() == c.above {
					t.Errorf("%d bytes left: above %v, writer woken %v", out.Len(), out.Above(), woken.Done())
				}
				out.Drop()
				_, err := woken.Await(task)
				return err
			})
			if c.above {
				tr.want(t, "true:101")
			} else {
				tr.want(t, "true:101 false:20")
			}
		})
	}
}

func TestMarksThatFollowFromOneAnother(t *testing.T) {
	boxed(t, 100, func(_ *corolla.Loop, out *corolla.Outbox, _, _ *corolla.Socket) {
		for _, c := range [][4]int{{-1, -1, 16 << 10, 64 << 10}, {10, -1, 10, 40}, {-1, 40, 10, 40}, {0, 0, 0, 0}, {7, 7, 7, 7}} {
			out.SetMarks(c[0], c[1])
			if low, high := out.Marks(); low != c[2] || high != c[3] {
				t.Errorf("SetMarks(%d, %d): %d, %d", c[0], c[1], low, high)
			}
		}
		if text := panicText(t, func() { out.SetMarks(8, 7) }); !strings.Contains(text, "the low one, 8, is above the high one, 7") {
			t.Errorf("panicked with %q", text)
		}
	})
}

// New marks are in force at once.
func TestMarksThatAreMoved(t *testing.T) {
	boxed(t, 100, func(_ *corolla.Loop, out *corolla.Outbox, _, _ *corolla.Socket) {
		var tr trace
		out.OnMarks(func(above bool) { tr.add("%v", above) })
		out.Cork()
		put(t, out, 50)
		out.SetMarks(10, 49)
		out.SetMarks(49, 60)
		out.SetMarks(50, 60)
		tr.want(t, "true false")
		out.Drop()
	})
}
