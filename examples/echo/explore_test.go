package echo_test

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/echotest"
	"github.com/corolla-go/corolla/sim/simtest"
)

// TestExploreEcho leads each of the servers through storms.
func TestExploreEcho(t *testing.T) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			simtest.Explore(t, 300, func(r *simtest.Run) error {
				r.Supervise("server", func(t *corolla.Task) error {
					if _, err := m.serve(t.Loop(), ":7"); err != nil {
						return err
					}
					_, err := corolla.NewFuture[int](t.Loop()).Await(t)
					return err
				})
				return echotest.Storm(r, "server:7", 1) // its listener is left
			})
		})
	}
}
