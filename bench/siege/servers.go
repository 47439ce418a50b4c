package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/web"
)

// The timeouts of both servers: the defaults of package web. net/http has none.
const (
	headTime = web.DefaultReadHeaderTimeout
	idleTime = web.DefaultIdleTimeout
	bodyTime = time.Minute
)

func serverNames() []string { return []string{"net", "web", "bounded"} }

// writeBuffer is how much the system keeps for a client of the bounded server. It doubles it.
const writeBuffer = 64 << 10

// playServer prints its address and serves.
func playServer(args []string) error {
	mux := newMux()
	if args[0] != "net" {
		var opts []corolla.SocketOption
		if args[0] == "bounded" {
			opts = append(opts, corolla.WriteBuffer(writeBuffer))
		}
		return servers.OnLoop(func(l *corolla.Loop, addr string) (net.Addr, error) {
			ln, err := aio.Listen(l, "tcp4", addr, opts...)
			if err != nil {
				return nil, err
			}
			l.Go(func(t *corolla.Task) error { return web.Serve(t, ln, mux) })
			return ln.Addr(), nil
		})
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	srv := &http.Server{
		Handler: mux, MaxHeaderBytes: web.DefaultMaxHeaderBytes,
		ReadHeaderTimeout: headTime, IdleTimeout: idleTime, ReadTimeout: bodyTime, WriteTimeout: bodyTime,
	}
	return srv.Serve(ln)
}

const (
	largeAnswer = 8 << 20
	largePiece  = 64 << 10
)

func newMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "hello") // the client may be gone
	})
	piece := make([]byte, largePiece)
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		for range largeAnswer / largePiece {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/take", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // it never ends
	})
	return mux
}
