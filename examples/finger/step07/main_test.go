package main

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
)

func TestItAsksAnotherProgram(t *testing.T) {
	fingertest.OnReal(t, func(t *testing.T, task *corolla.Task) error {
		srv, err := listen(task.Loop(), "127.0.0.1:0", ask(task.Loop(), "sh", "-c", `test $0 != eve && echo $0 is here`))
		if err != nil {
			return err
		}
		defer srv.Close()
		return fingertest.Wants(t, task, srv.Addr().String(), map[string]string{"ada\r\n": "ada is here\r\n", "\r\n": "no such user\r\n", "eve\r\n": "no such user\r\n"})
	})
}
