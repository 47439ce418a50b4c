package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// Handlers share what they like without a lock, and wait with the task of their request.
func ExampleServe() {
	l := sim.New(1).NewLoop() // for a server of one's own, corolla.Main
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:8080")
		if err != nil {
			return err
		}
		visits := 0
		mux := http.NewServeMux()
		mux.HandleFunc("GET /visit", func(w http.ResponseWriter, r *http.Request) {
			visits++
			fmt.Fprintf(w, "visit %d\n", visits)
		})
		mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
			if err := web.Task(r).Sleep(time.Minute); err == nil { // others are served meanwhile
				fmt.Fprintln(w, "at last")
			}
		})
		l.Go(func(t *corolla.Task) error { return web.Serve(t, ln, mux) })

		for _, path := range []string{"/visit", "/visit", "/slow"} {
			c, err := aio.Dial(t, "tcp", "127.0.0.1:8080")
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Bind(t), "GET %s HTTP/1.0\r\n\r\n", path)
			answer, err := io.ReadAll(c.Bind(t))
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", answer[len(answer)-8:])
			if err := c.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println(errors.Join(err, l.Close()))
	// Output:
	// visit 1
	//
	// visit 2
	//
	// at last
	//
	// <nil>
}
