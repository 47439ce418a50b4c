package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/examples/finger/fingertest"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/web"
)

func TestItShowsAPage(t *testing.T) {
	fingertest.OnBoth(t, func(t *testing.T, task *corolla.Task) error {
		var ln *aio.Listener
		page := newPage(users{"ada": "x < y"}, func(l *corolla.Loop) (_ *aio.Listener, err error) {
			ln, err = aio.Listen(l, "tcp", "127.0.0.1:0")
			return ln, err
		})
		return fingertest.Served(task, service.NewTree("finger", page), func() error {
			tr := &web.Transport{Loop: task.Loop()}
			defer tr.CloseIdleConnections()
			answer, err := (&http.Client{Transport: tr}).Get("http://" + ln.Addr().String())
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if !strings.Contains(string(text), "<dt>ada</dt><dd>x &lt; y</dd>") {
				t.Errorf("the page is %q", text)
			}
			return err
		})
	})
}
