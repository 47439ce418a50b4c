package sim

import "github.com/corolla-go/corolla/internal/host"

// Machine returns the host without a name as a loop sees it.
func (w *World) Machine() host.Host { return unnamed(w).machine(nil) }
