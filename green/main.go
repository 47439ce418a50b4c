package green

import "github.com/corolla-go/corolla"

// Main is a whole program: it runs main as a green thread of a loop of its own, and then ends the
// process, as corolla.Main does, with its exit status. A first SIGINT or SIGTERM ends what main waits
// for; what it has deferred runs.
func Main(main func(h *Hub) error, opts ...corolla.Option) {
	corolla.Main(func(t *corolla.Task) error { return main(NewHub(t.Loop())) }, opts...)
}
