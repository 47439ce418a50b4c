package main

import (
	"fmt"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/bench/internal/turns"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/transport"
)

// served counts the connections of a shard.
var served shard.Value[int]

// serve is a server's process, until it is killed.
func serve(name string) error {
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
		transport.ServeOn(ln, func(*transport.Conn) transport.Protocol {
			*served.Of(s)++
			return echo{}
		})
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

// echo sends back what it gets.
type echo struct{}

func (echo) Opened(*transport.Conn)           {}
func (echo) Data(c *transport.Conn, b []byte) { _ = c.Write(b) } // Closed tells of a failure
func (echo) Closed(*transport.Conn, error)    {}
