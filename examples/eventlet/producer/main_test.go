package main

import (
	"fmt"
	"testing"

	"github.com/corolla-go/corolla/examples/eventlet/http10"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func Example() {
	l := sim.New(1, sim.Name("site.test", "127.0.0.1")).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	err := h.Run(func() error {
		ln, err := h.Listen("tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		pages := http10.Pages(map[string]string{
			"/":  `<a href="http://site.test/a">, <a href="http://elsewhere.test/">`,
			"/a": `http://site.test/ and http://site.test/b`,
			"/b": "http://site.test/a",
		})
		h.Go(func() error { return h.Serve(ln, pages) })
		fmt.Println(len(crawl(h, "http://site.test/")), "pages")
		return nil
	})
	fmt.Println(err)
	// Output:
	// fetching http://site.test/
	// fetching http://site.test/a
	// fetching http://site.test/b
	// 3 pages
	// <nil>
}
