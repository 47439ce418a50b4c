package web

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/corolla-go/corolla"
)

// TimeoutHandler runs h for at most d. When the time is up, whatever h waits for ends, and the client
// gets 503 Service Unavailable with the message, or net/http's if it is empty. Code that does not wait is
// not stopped. As with net/http's, which runs h on another goroutine, the answer is held back until h has
// returned, and h cannot flush or hijack.
func TimeoutHandler(h http.Handler, d time.Duration, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := Task(r)
		held := &heldAnswer{header: make(http.Header)}
		late := false
		err := t.Timeout(d, func(s *corolla.Scope) error {
			h.ServeHTTP(held, r.WithContext(scopeContext{s, r.Context()}))
			late = s.Canceled() != nil
			return s.Canceled()
		})
		if late || err != nil {
			if message == "" {
				message = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(message)) // the server sees to it
			return
		}
		held.send(w)
	})
}

// scopeContext is a scope with the values of another context.
type scopeContext struct {
	*corolla.Scope
	values context.Context
}

func (c scopeContext) Value(key any) any { return c.values.Value(key) }

// heldAnswer is an answer that can still be replaced by another.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header { return a.header }

func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *heldAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *heldAnswer) send(w http.ResponseWriter) {
	to := w.Header()
	for k, v := range a.header {
		to[k] = v
	}
	a.WriteHeader(http.StatusOK)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the server sees to it
}
