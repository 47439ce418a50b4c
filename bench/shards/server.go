package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/turns"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/web"
)

// served counts the connections of a shard.
var served shard.Value[int]

// serve is a server's process, until it is killed.
func serve(name, proto string) error {
	n, by := 2, shard.BySystem
	switch name {
	case "one":
		n = 1
	case "handed":
		by = shard.RoundRobin
	}
	return shard.Run(n, func(s *shard.Shard) error {
		ln, err := s.Listen("tcp", "127.0.0.1:0", by)
		if err != nil {
			return err
		}
		var serving *corolla.Future[struct{}] // nil for echo
		if proto == protoHTTP {
			serving = s.Loop().Go(func(t *corolla.Task) error { return serveHTTP(t, s, ln) })
		} else {
			transport.ServeOn(ln, func(*transport.Conn) transport.Protocol {
				*served.Of(s)++
				return echo{}
			})
		}
		if s.Index() > 0 && serving != nil {
			_, err := serving.Await(s.Task())
			return err
		}
		if s.Index() > 0 {
			return s.Task().Park("the end")
		}
		for i := 1; i < s.Len(); i++ { // until they listen
			for up := false; !up; {
				if err := s.Call(s.Task(), i, func(o *shard.Shard) error { up = len(o.Loop().Sockets()) > 0 || by != shard.BySystem; return nil }); err != nil {
					return err
				}
			}
		}
		fmt.Println(ln.LocalAddr())
		_, err = corolla.Offload(s.Loop(), func() (struct{}, error) { return struct{}{}, turns.Heard("count") }).Await(s.Task())
		if err != nil {
			return err
		}
		var counts []int
		for i := range s.Len() {
			if err := s.Call(s.Task(), i, func(o *shard.Shard) error { counts = append(counts, *served.Of(o)); return nil }); err != nil {
				return err
			}
		}
		all := 0
		for _, c := range counts {
			all += c
		}
		fmt.Println(100 * float64(slices.Max(counts)) / float64(max(all, 1)))
		return s.Task().Park("the end")
	}, shard.LoopOptions(func(int) []corolla.Option { return []corolla.Option{corolla.SlowLimit(0)} }))
}

// serveHTTP answers each request with as many bytes as an echo has.
func serveHTTP(t *corolla.Task, s *shard.Shard, ln *corolla.Socket) error {
	body := bytes.Repeat([]byte("x"), message)
	srv := &web.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }), // a client that has gone is no matter
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			*served.Of(s)++
			return ctx
		},
	}
	return srv.Serve(t, aio.NewListener(ln))
}

// echo sends back what it gets.
type echo struct{}

func (echo) Opened(*transport.Conn)           {}
func (echo) Data(c *transport.Conn, b []byte) { _ = c.Write(b) } // Closed tells of a failure
func (echo) Closed(*transport.Conn, error)    {}
