// Command worker is an HTTP server in several processes, which can be deployed anew without a request lost:
//
//	go build -o server ./examples/worker && ./server &
//	curl http://127.0.0.1:8080/
//	go build -o server.new ./examples/worker && mv server.new server
//	kill -HUP %1
//
// The folder also has units for systemd and a manifest for Kubernetes.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/worker"
)

func main() {
	addr := flag.String("addr", ":8080", "where to listen")
	n := flag.Int("workers", 0, "how many; 0 is one for each processor")
	flag.Parse()
	corolla.Main(func(t *corolla.Task) error {
		return worker.Run(t, worker.Pool{
			Workers: *n,
			Listen:  []worker.Address{{Name: "web", Network: "tcp", Address: *addr}},
			Grace:   20 * time.Second,
		}, serve)
	})
}

// serve is a worker. It is ready when it serves; what it needs before, it waits for here.
func serve(t *corolla.Task, w *worker.Worker) error {
	ln, err := w.Listen("web")
	if err != nil {
		return err
	}
	visits := 0 // of this worker
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "ok") })
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) {
		visits++
		fmt.Fprintf(rw, "visit %d of worker %d in generation %d, process %d\n", visits, w.Number(), w.Generation(), os.Getpid())
	})
	return w.ServeHTTP(t, &web.Server{Handler: mux}, ln)
}
