package main

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
	"github.com/corolla-go/corolla/service"
)

func TestItEndsInOrder(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		srv := newServer("tcp:0:interface=127.0.0.1", users{"ada": "counting"})
		err := fingertest.Served(task, service.NewTree("finger", srv), func() error {
			return fingertest.Wants(t, task, srv.Addr().String(), map[string]string{"ada\r\n": "counting\r\n", "eve\r\n": "no such user\r\n"})
		})
		if _, refused := fingertest.Say(task, srv.Addr().String(), ""); refused == nil {
			t.Error("it still listens")
		}
		return err
	})
}
