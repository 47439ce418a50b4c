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
	l := sim.New(1, sim.Name("today.test", "127.0.0.1")).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	err := h.Run(func() error {
		ln, err := h.Listen("tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		h.Go(func() error {
			return h.Serve(ln, http10.Pages(map[string]string{"/": "<html>", "/news": "a long story"}))
		})
		crawl(h, []string{"http://today.test/", "http://today.test/weather", "http://today.test/news"})
		return nil
	})
	fmt.Println(err)
	// Output:
	// opening http://today.test/
	// opening http://today.test/weather
	// opening http://today.test/news
	// got body from http://today.test/ of length 6
	// get http://today.test/weather: 404 Not Found
	// got body from http://today.test/news of length 12
	// <nil>
}
