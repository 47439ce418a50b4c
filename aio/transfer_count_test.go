package aio_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// TestSendFileCountsWhatItSent has a transfer end in the middle, in every way, and wants to know how much
// of the file was sent.
func TestSendFileCountsWhatItSent(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	for name, send := range map[string]func(task *corolla.Task, a *aio.Conn) (int64, error){
		"canceled": func(task *corolla.Task, a *aio.Conn) (n int64, err error) {
			err = task.Timeout(30*time.Millisecond, func(*corolla.Scope) error {
				n, err = a.SendFile(task, f, 0, -1)
				return err
			})
			return n, err
		},
		"deadline": func(task *corolla.Task, a *aio.Conn) (int64, error) {
			if err := a.SetWriteDeadline(task.Loop().Time().Add(30 * time.Millisecond)); err != nil {
				return 0, err
			}
			return a.SendFile(task, f, 0, -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				n, err := send(task, a)
				if !errors.Is(err, os.ErrDeadlineExceeded) || n <= 0 || n >= stuffing {
					t.Errorf("SendFile = %d, %v", n, err)
				}
			})
		})
	}
}
