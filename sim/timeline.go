package sim

import (
	"time"

	"github.com/corolla-go/corolla/internal/ds"
)

// timeline is a clock, and what will happen.
type timeline struct {
	now    time.Duration
	seq    uint64
	agenda ds.Heap[*happening, soonest]
}

// happening is something that the World will do at some time.
type happening struct {
	when time.Duration
	key  uint64 // orders what is due at one time
	seq  uint64
	act  func()
}

type soonest struct{}

func (soonest) Less(a, b *happening) bool {
	if a.when != b.when {
		return a.when < b.when
	}
	return a.key < b.key || a.key == b.key && a.seq < b.seq
}

func (soonest) Place(*happening, int) {} // nothing is ever canceled

// at schedules act; what is due at one time happens in the order it was scheduled.
func (t *timeline) at(when time.Duration, act func()) { t.atFor(0, when, act) }

// atFor schedules act; what is due at one time happens in a random order, except that what has the
// same tie happens in the order it was scheduled.
func (t *timeline) atFor(tie uint64, when time.Duration, act func()) {
	t.seq++
	key := tie
	if tie != 0 {
		key = mix(tie ^ mix(uint64(when)))
	}
	t.agenda.Push(&happening{when: when, key: key, seq: t.seq, act: act})
}
