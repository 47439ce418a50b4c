// Command handover is a server whose sessions live on when it is deployed anew: each line that a client sends is
// counted, and the count goes, with the connection, from the old worker to the new one.
//
//	go build -o server ./examples/handover && ./server &
//	nc 127.0.0.1 7000                   # and type some lines
//	kill -HUP %1                        # in another terminal; then type more
//
// Who uses TLS, or is with a worker when the whole server ends, is told to come back.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/worker"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7000", "where to listen")
	n := flag.Int("workers", 2, "how many")
	flag.Parse()
	corolla.Main(func(t *corolla.Task) error {
		pool := worker.Pool{Workers: *n, Listen: []worker.Address{{Name: "lines", Network: "tcp", Address: *addr}}}
		return worker.Run(t, pool, serve)
	})
}

// kind names the sessions between versions: a version that keeps other state calls it otherwise.
const kind = "count 1"

// server is a worker. Its sessions are numbers.
type server struct {
	w      *worker.Worker
	counts map[*aio.Conn]int // of sessions that were handed over and have not begun here
}

func serve(t *corolla.Task, w *worker.Worker) error {
	ln, err := w.Listen("lines")
	if err != nil {
		return err
	}
	s := &server{w, map[*aio.Conn]int{}}
	srv := aio.NewServer(ln, s.session)
	w.OnHandOver(kind, func(t *corolla.Task, o *worker.Offer) error {
		n, err := strconv.Atoi(string(o.State))
		if err != nil {
			return err
		}
		c, err := o.Take(t, ln)
		if err != nil {
			return err
		}
		s.counts[c] = n
		return srv.Adopt(c)
	})
	return w.Serve(t, srv)
}

// session is a connection, until it ends or goes to the next worker. Only reading is cut short for that: an answer
// that has begun is sent.
func (s *server) session(t *corolla.Task, c *aio.Conn) error {
	n := s.counts[c]
	delete(s.counts, c)
	for {
		err := s.w.UntilRetired(t, func(*corolla.Scope) error {
			_, err := c.ReadUntil(t, []byte("\n"))
			return err
		})
		switch {
		case errors.Is(err, worker.ErrRetired):
			return s.leave(t, c, n)
		case err != nil:
			return err
		}
		n++
		if _, err := fmt.Fprintf(c.Bind(t), "line %d, to process %d\n", n, os.Getpid()); err != nil {
			return err
		}
	}
}

// leave hands a session over, or says goodbye.
func (s *server) leave(t *corolla.Task, c *aio.Conn, n int) error {
	err := s.w.HandOver(t, kind, c, []byte(strconv.Itoa(n)))
	if errors.Is(err, worker.ErrNotTaken) {
		_, err = c.Write(t, []byte("this server ends: come back\n"))
	}
	return err
}
