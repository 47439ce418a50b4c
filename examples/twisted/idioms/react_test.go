package idioms_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
)

// crawl prints what is at some addresses, fetched at the same time, in order.
func crawl(t *corolla.Task, urls []string) error {
	l := t.Loop()
	client := &http.Client{Transport: &web.Transport{Loop: l}}
	var pages []*corolla.Future[string]
	for _, url := range urls {
		pages = append(pages, corolla.Go(l, func(*corolla.Task) (string, error) {
			resp, err := client.Get(url)
			if err != nil {
				return "", err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			return string(text), err
		}))
	}
	all, err := corolla.All(l, pages...).Await(t)
	fmt.Println(all)
	client.CloseIdleConnections()
	return err
}

// react(main) is corolla.Main, with the loop, the signals and the exit status:
//
//	func main() { corolla.Main(func(t *corolla.Task) error { return crawl(t, os.Args[1:]) }) }
//
// Agent is an http.Client.
func Example_react() {
	run(func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		server := t.Loop().Go(func(t *corolla.Task) error {
			return web.Serve(t, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page ", r.URL.Path) }))
		})
		defer server.Cancel(nil)
		return crawl(t, []string{"http://127.0.0.1/a", "http://127.0.0.1/b"})
	})
	// Output: [page /a page /b]
}
