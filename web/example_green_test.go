package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// Eventlet's wsgi.server and its crawler, side by side: handlers and clients are green threads.
func Example_green() {
	l := sim.New(1).NewLoop() // for a program of one's own, green.Main
	h := green.NewHub(l)
	err := h.Run(func() error {
		ln, err := h.Listen("tcp", "127.0.0.1:8090")
		if err != nil {
			return err
		}
		h.Go(func() error {
			return web.Serve(h.Task(), ln.AIO(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.Sleep(time.Second)
				fmt.Fprintf(w, "this is %s", r.URL.Path)
			}))
		})
		client := &http.Client{Transport: web.NewTransport(l)}
		urls := []string{"http://127.0.0.1:8090/a", "http://127.0.0.1:8090/b", "http://127.0.0.1:8090/c"}
		begun := l.Now()
		for body, err := range green.Map(green.NewPool(h, 200), slices.Values(urls), func(u string) (string, error) {
			r, err := client.Get(u)
			if err != nil {
				return "", err
			}
			defer r.Body.Close()
			b, err := io.ReadAll(r.Body)
			return string(b), err
		}) {
			fmt.Println(body, err)
		}
		fmt.Printf("after %.0f s\n", (l.Now() - begun).Seconds())
		client.CloseIdleConnections()
		return nil
	})
	fmt.Println(errors.Join(err, l.Close()))
	// Output:
	// this is /a <nil>
	// this is /b <nil>
	// this is /c <nil>
	// after 1 s
	// <nil>
}
