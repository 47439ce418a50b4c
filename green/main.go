package green

import "github.com/corolla-go/corolla"

// Main is a whole program: it runs main as a green thread of its own loop, and then exits the
// process with a status, as corolla.Main does. The first SIGINT or SIGTERM ends whatever main waits
// for; its deferred calls run.
func Main(main func(h *Hub) error, opts ...corolla.Option) {
	corolla.Main(func(t *corolla.Task) error { return main(NewHub(t.Loop())) }, opts...)
}
