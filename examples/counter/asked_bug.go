//go:build counterbug

package main

// asked has a bug, for the explorer to find: answers come in the order of the questions, so it takes
// each for that of the first that waits. But a question that nobody waits for any more was forgotten,
// and its answer may come all the same. It is then taken for the next one's, so an increment is
// done that only one replica has stored. To see that, one has to lose that replica before the
// others hear of the increment.
func (p *peer) asked(int) int {
	if len(p.waiting) == 0 {
		return -1
	}
	return 0
}
