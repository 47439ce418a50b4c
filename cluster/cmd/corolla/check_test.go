package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// This file has the checker: it compares what was said with what was heard.

// said is something that a sender has said. IDs are numbers that count up for each sender.
type said struct {
	room, sender string
	id           int
	acked        bool
}

// heard is something that a member has heard.
type heard struct {
	room, sender string
	id           int
	seq          uint64
}

// check returns what is wrong: with each member of a room, who was there before anything was said and to the end,
// what was acknowledged must have been heard; nothing twice; and what one sender has said in its order.
func check(all []said, members map[string]string, ears map[string][]heard) (wrong []string) {
	known := map[string]said{}
	for _, s := range all {
		known[fmt.Sprint(s.room, "/", s.sender, "/", s.id)] = s
	}
	for member, room := range members {
		last := map[string]int{}
		seq := uint64(0)
		got := map[string]bool{}
		for _, h := range ears[member] {
			key := fmt.Sprint(h.room, "/", h.sender, "/", h.id)
			_, wasSaid := known[key]
			switch before, any := last[h.sender]; {
			case h.room != room || !wasSaid:
				wrong = append(wrong, fmt.Sprintf("%s heard %s, which was not said in its room", member, key))
			case got[key]:
				wrong = append(wrong, fmt.Sprintf("%s heard %s twice", member, key))
			case any && h.id < before:
				wrong = append(wrong, fmt.Sprintf("%s heard %s after %d", member, key, before))
			case h.seq <= seq:
				wrong = append(wrong, fmt.Sprintf("%s heard %s at place %d after %d", member, key, h.seq, seq))
			}
			got[key] = true
			last[h.sender] = h.id
			seq = h.seq
		}
		for key, s := range known {
			if s.acked && s.room == room && !got[key] {
				wrong = append(wrong, fmt.Sprintf("%s missed %s", member, key))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestChecker(t *testing.T) {
	all := []said{{"r", "a", 1, true}, {"r", "a", 2, true}, {"r", "b", 1, false}, {"q", "a", 3, true}}
	a1, a2, b1 := heard{"r", "a", 1, 1}, heard{"r", "a", 2, 2}, heard{"r", "b", 1, 3}
	for _, c := range []struct {
		name string
		ears []heard
		want string
	}{
		{"all", []heard{a1, a2, b1}, ""},
		{"without what was not acknowledged", []heard{a1, a2}, ""},
		{"one dropped", []heard{a2, b1}, "m missed r/a/1"},
		{"one twice", []heard{a1, a2, a2}, "m heard r/a/2 twice"},
		{"order", []heard{{"r", "a", 2, 1}, {"r", "a", 1, 2}}, "m heard r/a/1 after 2"},
		{"place", []heard{a2, {"r", "b", 1, 1}, {"r", "a", 1, 3}}, "m heard r/a/1 after 2; m heard r/b/1 at place 1 after 2"},
		{"another room", []heard{a1, a2, {"q", "a", 3, 4}}, "m heard q/a/3, which was not said in its room"},
		{"never said", []heard{a1, a2, {"r", "c", 1, 4}}, "m heard r/c/1, which was not said in its room"},
	} {
		got := strings.Join(check(all, map[string]string{"m": "r"}, map[string][]heard{"m": c.ears}), "; ")
		if got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}
