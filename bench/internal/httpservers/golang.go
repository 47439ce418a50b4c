package httpservers

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"

	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/valyala/fasthttp"
)

const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json"
)

// newMux has the handlers for all servers that take those of net/http.
func newMux(dir string) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc(httpwork.Hello, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", textType)
		_, _ = io.WriteString(w, httpwork.Greeting) // the client may be gone
	})
	mux.HandleFunc(httpwork.JSON, func(w http.ResponseWriter, _ *http.Request) {
		b, err := json.Marshal(httpwork.Record)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		_, _ = w.Write(b) // the client may be gone
	})
	file := filepath.Join(dir, httpwork.FileName)
	mux.HandleFunc(httpwork.File, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	return mux
}

// listen prints the address that a server in Go has.
func listen() (net.Listener, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fmt.Println(ln.Addr())
	return ln, nil
}

// netHTTP is net/http as it comes, with the WebSockets of coder/websocket.
func netHTTP(dir string) error {
	mux := newMux(dir)
	mux.HandleFunc(httpwork.Echo, coderEcho)
	mux.HandleFunc(httpwork.Broadcast, (&coderRoom{}).join)
	ln, err := listen()
	if err != nil {
		return err
	}
	return http.Serve(ln, mux)
}

func netVersion() (string, error) {
	sockets, err := module("github.com/coder/websocket")()
	return "net/http of " + runtime.Version() + ", " + sockets, err
}

// fastHTTP is fasthttp as it comes.
func fastHTTP(dir string) error {
	file := filepath.Join(dir, httpwork.FileName)
	ln, err := listen()
	if err != nil {
		return err
	}
	return fasthttp.Serve(ln, func(ctx *fasthttp.RequestCtx) {
		switch string(ctx.Path()) {
		case httpwork.Hello:
			ctx.SetContentType(textType)
			ctx.SetBodyString(httpwork.Greeting)
		case httpwork.JSON:
			b, err := json.Marshal(httpwork.Record)
			if err != nil {
				ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
				return
			}
			ctx.SetContentType(jsonType)
			ctx.SetBody(b)
		case httpwork.File:
			fasthttp.ServeFile(ctx, file)
		default:
			ctx.NotFound()
		}
	})
}
