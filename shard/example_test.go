package shard_test

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/shard"
)

// A server that echoes on every core until it gets SIGINT or SIGTERM.
func ExampleMain() {
	shard.Main(0, func(s *shard.Shard) error {
		ln, err := s.Listen("tcp", ":7000", shard.BySystem)
		if err != nil {
			return err
		}
		return aio.NewServer(aio.NewListener(ln), func(t *corolla.Task, c *aio.Conn) error {
			_, err := aio.Copy(t, c, c)
			return err
		}).Serve(s.Task())
	})
}
