// Command crawler is Eventlet's example of a web crawler: it fetches many pages at once, and gets
// them in order.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/corolla-go/corolla/examples/eventlet/http10"
	"github.com/corolla-go/corolla/green"
)

func main() {
	green.Main(func(h *green.Hub) error {
		crawl(h, os.Args[1:])
		return nil
	})
}

func crawl(h *green.Hub, urls []string) {
	pool := green.NewPool(h, 200)
	fetch := func(url string) ([]byte, error) {
		fmt.Println("opening", url)
		return http10.Get(h, url)
	}
	i := 0
	for body, err := range green.Map(pool, slices.Values(urls), fetch) {
		if err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("got body from", urls[i], "of length", len(body))
		}
		i++
	}
}
