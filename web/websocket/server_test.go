package websocket_test

import (
	"net/http"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
)

// serve takes connections until the listener is closed.
func serve(l *corolla.Loop, ln *aio.Listener, h http.Handler) {
	l.Go(func(t *corolla.Task) error {
		_ = web.Serve(t, ln, h) // the listener was closed
		return nil
	})
}
