package httpservers

import (
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/web"
)

// webHTTP is Corolla's, with the handlers of net/http and WebSockets of its own.
func webHTTP(dir string) error {
	mux := newMux(dir)
	mux.HandleFunc(httpwork.Echo, webEcho)
	mux.HandleFunc(httpwork.Broadcast, webRoom{}.join)
	return servers.OnLoop(func(l *corolla.Loop, addr string) (net.Addr, error) {
		ln, err := aio.Listen(l, "tcp4", addr)
		if err != nil {
			return nil, err
		}
		l.Go(func(t *corolla.Task) error { return web.Serve(t, ln, mux) })
		return ln.Addr(), nil
	})
}

// webVersion is that of the tree that this program was built from.
func webVersion() (string, error) { return "Corolla, of this tree", nil }
