package main

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
)

func TestItWaits(t *testing.T) {
	fingertest.OnSim(t, func(t *testing.T, task *corolla.Task) error {
		srv, err := listen(task.Loop(), "127.0.0.1:0", slowly(task.Loop()))
		if err != nil {
			return err
		}
		defer srv.Close()
		return fingertest.Wants(t, task, srv.Addr().String(), map[string]string{"ada\r\n": "counting\r\n", "eve\r\n": "no such user\r\n"})
	})
}
