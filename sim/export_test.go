package sim

import "github.com/corolla-go/corolla/internal/host"

// Host returns the World as a host, for the suite that tests hosts.
func (w *World) Host() host.Host { return machine{w} }
