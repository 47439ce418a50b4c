package main

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
)

func TestItKnowsNobody(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		srv, err := listen(task.Loop(), "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer srv.Close()
		return fingertest.Wants(t, task, srv.Addr().String(), map[string]string{"ada\r\n": "no such user\r\n", "\r\n": "no such user\r\n"})
	})
}
