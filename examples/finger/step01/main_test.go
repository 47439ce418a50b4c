package main

import (
	"errors"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
)

func TestItEndsWhenItIsTold(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		f := task.Loop().Go(finger, corolla.Eager())
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("finger: %v", err)
		}
		return nil
	})
}
