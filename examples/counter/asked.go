//go:build !counterbug

package main

import "slices"

// asked returns which of the waiting questions has a number, or -1.
func (p *peer) asked(number int) int {
	return slices.IndexFunc(p.waiting, func(q question) bool { return q.number == number })
}
