// Command producer is Eventlet's example of a producer and consumer: a crawler that follows the
// links of one site. Scanning pages produces links, and fetching consumes them.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/eventlet/http10"
	"github.com/corolla-go/corolla/green"
)

var link = regexp.MustCompile(`https?://[^\s()<>"]+`)

func main() {
	green.Main(func(h *green.Hub) error {
		for url := range crawl(h, os.Args[1]) {
			fmt.Println(url)
		}
		return nil
	})
}

// crawl returns the set of pages that start leads to on its own site.
func crawl(h *green.Hub, start string) map[string]bool {
	pool := green.NewPool(h, 1000)
	seen := map[string]bool{}
	q := corolla.NewQueue[string](-1)
	_ = q.TryPut(start) // it has no limit, so there is always room
	for q.Len() > 0 {
		for url, err := q.TryGet(); err == nil; url, err = q.TryGet() {
			if !seen[url] && strings.HasPrefix(url, start) { // not all over the internet
				seen[url] = true
				pool.Go(func() error { return fetch(h, url, q) })
			}
		}
		pool.Wait() // for workers that may find more
	}
	return seen
}

// fetch gives a page five seconds, and puts the links in it into q.
func fetch(h *green.Hub, url string, q *corolla.Queue[string]) error {
	fmt.Println("fetching", url)
	return h.MoveOn(5*time.Second, func() error {
		page, err := http10.Get(h, url)
		for _, found := range link.FindAllString(string(page), -1) {
			_ = q.TryPut(found)
		}
		return err
	})
}
