package websocket_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
)

// A server just good enough to hand over connections: one request on each, in a task.

type taskKey struct{}

// taskOf returns the task that runs a handler.
func taskOf(r *http.Request) *corolla.Task { return r.Context().Value(taskKey{}).(*corolla.Task) }

// serve takes connections until the listener is closed.
func serve(l *corolla.Loop, ln *aio.Listener, h http.Handler) {
	hub := green.NewHub(l)
	l.Go(func(t *corolla.Task) error {
		for {
			c, err := ln.Accept(t)
			if err != nil {
				return nil // it was closed
			}
			l.Go(func(t *corolla.Task) error { serveOne(t, hub.Wrap(c), h); return nil })
		}
	})
}

func serveOne(t *corolla.Task, c *green.Conn, h http.Handler) {
	rw := bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
	r, err := http.ReadRequest(rw.Reader)
	if err != nil {
		_ = c.Close()
		return
	}
	w := &response{conn: c, rw: rw, header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, r.WithContext(context.WithValue(context.Background(), taskKey{}, t)))
	if !w.taken {
		w.header.Set("Content-Length", fmt.Sprint(w.body.Len()))
		fmt.Fprintf(rw, "HTTP/1.1 %d %s\r\n", w.status, http.StatusText(w.status))
		_ = w.header.Write(rw)
		fmt.Fprintf(rw, "\r\n%s", w.body.Bytes())
		_ = rw.Flush() // the client may have gone
		_ = c.Close()
	}
}

// response is a ResponseWriter.
type response struct {
	conn   net.Conn
	rw     *bufio.ReadWriter
	header http.Header
	status int
	body   bytes.Buffer
	taken  bool
}

func (w *response) Header() http.Header         { return w.header }
func (w *response) WriteHeader(status int)      { w.status = status }
func (w *response) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.taken = true
	return w.conn, w.rw, nil
}
