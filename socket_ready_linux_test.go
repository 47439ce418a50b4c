package corolla_test

import (
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

// A short read means that there is no more, but for where the system ends a read although there
// is: at an urgent byte, and behind one with which files were passed. What is behind must be read
// without anything new arriving.

func TestReadGoesOnBehindMarks(t *testing.T) {
	for _, c := range []struct {
		name, network string
		flag          int
		want          string
	}{
		{"urgent", "tcp", syscall.MSG_OOB, "abcghi"},
		{"urgent on a Unix socket", "unix", syscall.MSG_OOB, "abcghi"},
		{"passed files", "unix", 0, "abcdefghi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := realLoop(t, new(errorLog))
			defer l.Close()
			raw, s := outsider(t, l, c.network)
			defer closeAll(t, s)
			// What a read leaves behind brings no edge. So all of it is there before the first.
			pieces := []string{"abc", "d", "ghi"}
			if c.flag == 0 {
				pieces[1] = "def"
			}
			marking(t, raw, c.flag, pieces...)
			var got []byte
			s.OnReadable(func() {
				b := make([]byte, 100)
				n, err := s.TryRead(b)
				if err != nil && err != corolla.ErrWouldBlock {
					t.Errorf("TryRead: %v", err)
					l.Stop()
				}
				if got = append(got, b[:n]...); len(got) >= len(c.want) {
					l.Stop()
				}
			})
			mustRunForever(t, l)
			if string(got) != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
			// The next bytes, which are not marked, are read with one call again.
			s.OnReadable(nil)
			if _, err := s.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
				t.Errorf("at the end: %v", err)
			}
			marking(t, raw, 0, "jkl")
			run(t, l, s.WaitReadable)
			if n, err := s.TryRead(make([]byte, 100)); n != 3 || err != nil {
				t.Errorf("TryRead = %d, %v", n, err)
			}
			if err := s.OnceReadable(func() { t.Error("a short read did not mean drained") }); err != nil {
				t.Error(err)
			}
			run(t, l, func(task *corolla.Task) error { return turns(task, 2) })
			_ = s.OnceReadable(nil)
		})
	}
}
