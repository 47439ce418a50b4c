package sim

import "github.com/corolla-go/corolla/internal/host"

// Machine returns the World as a loop sees it.
func (w *World) Machine() host.Host { return w.machine() }
