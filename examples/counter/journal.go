package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/corolla-go/corolla"
)

// disk is what a replica keeps when it crashes.
type disk interface {
	Load(t *corolla.Task) ([]byte, error)
	Cut(t *corolla.Task, size int) error    // to its first bytes
	Append(t *corolla.Task, b []byte) error // returns when b is safe; if it does not, some of b may be
}

// journal is the names of the increments that a replica has seen, on a disk, one a line.
type journal struct {
	disk  disk
	names map[string]bool
	turn  corolla.Lock // one writes at a time
}

func openJournal(t *corolla.Task, d disk, note func(what string)) (*journal, error) {
	b, err := d.Load(t)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	end := bytes.LastIndexByte(b, '\n') + 1
	if end < len(b) { // it was not stored whole, so nobody was told that it is
		note("half a line in the journal")
		if cutHalfLines {
			if err := d.Cut(t, end); err != nil {
				return nil, fmt.Errorf("cut off half a line: %w", err)
			}
		}
	}
	j := &journal{disk: d, names: map[string]bool{}}
	for _, name := range strings.Fields(string(b[:end])) {
		j.names[name] = true
	}
	return j, nil
}

// Add returns when names are safe.
func (j *journal) Add(t *corolla.Task, names ...string) error {
	if err := j.turn.Lock(t); err != nil {
		return err
	}
	defer j.turn.Unlock()
	for _, name := range names {
		if j.names[name] {
			continue
		}
		if err := j.disk.Append(t, []byte(name+"\n")); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
		j.names[name] = true
	}
	return nil
}

// All returns the names, in order.
func (j *journal) All() []string { return slices.Sorted(maps.Keys(j.names)) }
