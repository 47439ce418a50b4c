package backlog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/internal/backlog"
)

type message struct {
	room string
	seq  uint64
	size int64
}

func newLog(keep int, bytes int64, dropped func(*message)) *backlog.Log[message] {
	return backlog.New(backlog.Config[message]{
		Keep: keep, MaxBytes: bytes, Dropped: dropped,
		Room: func(m *message) string { return m.room },
		Seq:  func(m *message) uint64 { return m.seq },
		Size: func(m *message) int64 { return m.size },
	})
}

func places(ms []*message) string {
	var all []string
	for _, m := range ms {
		all = append(all, fmt.Sprint(m.seq))
	}
	return strings.Join(all, " ")
}

func TestKeepsSoManyOfEachRoom(t *testing.T) {
	gone := ""
	l := newLog(3, 1000, func(m *message) { gone += fmt.Sprintf("%s%d ", m.room, m.seq) })
	for i := range uint64(5) {
		l.Add(&message{"a", 2*i + 1, 10})
	}
	l.Add(&message{"b", 20, 10})
	for _, c := range []struct {
		room  string
		after uint64
		want  string
		gap   bool
	}{
		{"a", 0, "5 7 9", true},
		{"a", 4, "5 7 9", true},
		{"a", 5, "7 9", false},
		{"a", 6, "7 9", false},
		{"a", 9, "", false},
		{"a", 100, "", false},
		{"b", 0, "20", false},
		{"c", 0, "", false},
	} {
		ms, gap := l.After(c.room, c.after)
		if got := places(ms); got != c.want || gap != c.gap {
			t.Errorf("%s after %d: %q, %v; want %q, %v", c.room, c.after, got, gap, c.want, c.gap)
		}
	}
	if got := places(l.Last("a", 2)); got != "7 9" {
		t.Errorf("the last 2: %q", got)
	}
	if got := places(l.Last("a", 10)); got != "5 7 9" {
		t.Errorf("the last 10: %q", got)
	}
	if gone != "a1 a3 " || !l.Has("a") || l.Has("c") || l.Last("c", 1) != nil {
		t.Errorf("gone: %s", gone)
	}
}

// The oldest of all rooms go, and a room without any is forgotten, but not that it had some.
func TestIsBoundedInBytes(t *testing.T) {
	l := newLog(1000, 100, nil)
	l.Add(&message{"old", 1, 10})
	for i := uint64(2); i < 5000; i++ {
		l.Add(&message{"a", i, 10})
	}
	if got := places(l.Last("a", 100)); got != "4990 4991 4992 4993 4994 4995 4996 4997 4998 4999" {
		t.Errorf("kept: %s", got)
	}
	if ms, gap := l.After("old", 0); ms != nil || !gap || l.Has("old") {
		t.Errorf("the old room has %s, gap %v", places(ms), gap)
	}
	l.Add(&message{"old", 5000, 10})
	if ms, gap := l.After("old", 0); places(ms) != "5000" || !gap {
		t.Errorf("the old room has %s, gap %v", places(ms), gap)
	}
	l.Add(&message{"big", 5001, 1000})
	if ms, gap := l.After("a", 4998); ms != nil || !gap {
		t.Errorf("after a large one: %s, %v", places(ms), gap)
	}
	if got := places(l.Last("big", 1)); got != "5001" {
		t.Errorf("the large one: %s", got)
	}
}
