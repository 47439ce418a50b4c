// Package http10 is as much of HTTP as the crawlers need: one request per connection, written by
// hand and parsed by the standard library.
package http10

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/corolla-go/corolla/green"
)

// Get returns the body of a page. The body of http.ReadResponse holds a mutex while it is read, so
// it is read here, in the thread that opened it; closing it in another thread would block the loop.
func Get(h *green.Hub, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	host := u.Host
	if u.Port() == "" {
		host += ":80"
	}
	c, err := h.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", u.RequestURI(), u.Host); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", address, r.Status)
	}
	return io.ReadAll(r.Body)
}

// Pages serves pages by their paths.
func Pages(pages map[string]string) func(c *green.Conn) error {
	return func(c *green.Conn) error {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return err
		}
		page, ok := pages[r.URL.Path]
		answer := http.Response{
			StatusCode: http.StatusOK, ProtoMajor: 1, ContentLength: int64(len(page)),
			Body: io.NopCloser(strings.NewReader(page)),
		}
		if !ok {
			answer.StatusCode = http.StatusNotFound
		}
		return answer.Write(c)
	}
}
