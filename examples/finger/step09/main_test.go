package main

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
	"github.com/corolla-go/corolla/service"
)

func TestItTakesNews(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		people := users{}
		names := newServer("names", "tcp:0:interface=127.0.0.1", finger{people})
		news := newServer("news", "tcp:0:interface=127.0.0.1", setter{people})
		return fingertest.Served(task, service.NewTree("finger", names, news), func() error {
			c, err := aio.Dial(task, "tcp", news.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			for _, dialog := range [][2]string{{"ada counting on", "thank you\r\n"}, {"ada", "a name and a status, please\r\n"}} {
				if _, err := c.Write(task, []byte(dialog[0]+"\r\n")); err != nil {
					return err
				}
				if got, err := c.ReadUntil(task, []byte("\n")); string(got) != dialog[1] || err != nil {
					t.Errorf("the answer to %q is %q, %v", dialog[0], got, err)
				}
			}
			return fingertest.Wants(t, task, names.Addr().String(), map[string]string{"ada\r\n": "counting on\r\n", "eve\r\n": "no such user\r\n"})
		})
	})
}
