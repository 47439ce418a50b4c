package web

import (
	"net/http"
	"time"

	"github.com/corolla-go/corolla"
)

// requestContext is the context of a request: its task, with the values that net/http's handlers know.
type requestContext struct {
	*corolla.Task
	x *exchange
}

// Value returns what is known of the request, and otherwise what BaseContext and ConnContext gave.
func (c *requestContext) Value(key any) any {
	switch key {
	case taskKey{}:
		return c.Task
	case exchangeKey{}:
		return c.x
	case http.ServerContextKey:
		return c.x.conn.srv()
	case http.LocalAddrContextKey:
		return c.x.conn.conn.LocalAddr()
	}
	return c.Task.Value(key)
}

// fail cancels the handler because its time is up, and resets the connection.
func (x *exchange) fail(after time.Duration) {
	x.conn.abort()
	x.job.Task().Cancel(&corolla.TimeoutError{After: after})
}
