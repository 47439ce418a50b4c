package compat_test

import (
	"context"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// dialer is the function that most libraries want of those who dial for them.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// outside returns a function that dials on the loop for code that runs on goroutines of its own.
func outside(l *corolla.Loop) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return corolla.Call(ctx, l, func(t *corolla.Task) (net.Conn, error) {
			c, err := aio.Dial(t, network, address)
			if err != nil {
				return nil, err
			}
			return c.NetConn(), nil
		})
	}
}
