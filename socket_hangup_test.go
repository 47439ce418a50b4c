package corolla_test

import (
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

// The system does not call a full pipe writable when its reader has gone: it only says that it is
// gone. Who waits for room must hear, or waits for ever.
func TestWriterOfAFullPipeHearsThatNobodyReads(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for _, task := range []bool{true, false} {
			r, w, err := l.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			run(t, l, func(owner *corolla.Task) error {
				fill(t, w, w.TryWrite)
				told := corolla.NewFuture[struct{}](l)
				if task {
					l.Go(func(task *corolla.Task) error {
						if err := w.WaitWritable(task); err != nil {
							return err
						}
						return told.Resolve(struct{}{})
					})
				} else {
					w.OnWritable(func() { w.OnWritable(nil); _ = told.Resolve(struct{}{}) })
				}
				if err := turns(owner, 3); err != nil {
					return err
				}
				if told.Done() {
					t.Error("told of room in a full pipe")
				}
				closeAll(t, r)
				_, err := told.Await(owner)
				return err
			})
			if _, err := w.TryWrite([]byte("x")); err != syscall.EPIPE {
				t.Errorf("write that nobody reads: %v", err)
			}
			closeAll(t, w)
		}
	})
}
