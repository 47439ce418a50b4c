package corolla

import "iter"

// Pull is iter.Pull for a sequence whose body uses a loop: what the body calls counts as called by
// who called next. It belongs to one goroutine at a time, or to a loop.
func Pull[V any](seq iter.Seq[V]) (next func() (V, bool), stop func()) { return iter.Pull(seq) }
