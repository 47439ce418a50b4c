package web_test

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

func ExampleTransport() {
	l := sim.New(1).NewLoop() // or corolla.New
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		l.Go(func(t *corolla.Task) error {
			return web.Serve(t, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					_ = web.Task(r).Sleep(time.Minute)
				}
				fmt.Fprintln(w, "you asked for", r.URL.Path)
			}))
		})
		client := &http.Client{Transport: &web.Transport{Loop: l}}
		get := func(path string) error {
			resp, err := client.Get("http://127.0.0.1" + path)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			fmt.Print(string(text))
			return err
		}
		// Requests at a time are tasks at a time.
		if err := t.Group(func(g *corolla.Group) error {
			g.Go(func(*corolla.Task) error { return get("/petals") })
			g.Go(func(t *corolla.Task) error {
				return t.Timeout(time.Second, func(*corolla.Scope) error { return get("/slow") })
			})
			return nil
		}); err != nil {
			fmt.Println(err)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// you asked for /petals
	// timed out after 1s
}
