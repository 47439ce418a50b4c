package rooms_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRoomsAcrossAFailingCluster has three nodes in network namespaces, of which one is killed and started again, and
// one is cut off and joined again, while clients talk. COROLLA_CLUSTER=3m makes it go on for that long, with more
// clients and cuts of 10 seconds, and print figures.
func TestRoomsAcrossAFailingCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	play := script{clients: 12, rooms: 4, every: 25 * time.Millisecond, calm: time.Second, cut: 3 * time.Second, rounds: 1}
	if long := os.Getenv("COROLLA_CLUSTER"); long != "" {
		d, err := time.ParseDuration(long)
		if err != nil {
			t.Fatal(err)
		}
		play = script{clients: 60, rooms: 10, every: 5 * time.Millisecond, calm: 10 * time.Second, cut: 10 * time.Second, atLeast: d, rounds: 3}
	}
	play.lab = newLab(t, 3)
	play.crowd = newCrowd(play.lab, play.clients, play.rooms)
	play.run(t)
}

// script is how the test goes.
type script struct {
	clients, rooms int
	every          time.Duration // somebody says something
	calm, cut      time.Duration
	rounds         int
	atLeast        time.Duration

	lab   *lab
	crowd *crowd
	ticks <-chan time.Time // nil while nobody talks
}

const deadline = 90 * time.Second

// until takes what nodes say, and lets clients talk, until something is so.
func (s *script) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(deadline)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case e := <-s.lab.events:
			s.crowd.take(e)
		case <-s.ticks:
			s.crowd.speak()
		case <-late:
			t.Fatalf("has not come within %v: %s", deadline, what)
		}
	}
}

// during is until some time has passed.
func (s *script) during(t *testing.T, d time.Duration) {
	t.Helper()
	over := time.Now().Add(d)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(over) {
		select {
		case e := <-s.lab.events:
			s.crowd.take(e)
		case <-s.ticks:
			s.crowd.speak()
		case <-tick.C:
		}
	}
}

func (s *script) quiet() bool {
	return s.crowd.settled() && !slices.ContainsFunc(s.lab.nodes, func(m *machine) bool { return !m.ready })
}

func (s *script) run(t *testing.T) {
	for _, m := range s.lab.nodes {
		m.start()
	}
	s.until(t, "everybody to have joined", s.quiet)
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	s.ticks = ticker.C
	s.calmly(t)
	var first map[*machine]nodeStats
	end := time.Now().Add(s.atLeast)
	for round := 0; round < s.rounds || time.Now().Before(end); round++ {
		s.killOne(t, s.lab.nodes[round%3])
		s.cutOff(t, s.lab.nodes[(round+1)%3])
		s.calmly(t)
		if s.ask(t, "stats"); round == 0 {
			first = maps.Clone(s.crowd.stats)
		}
		s.memory(t, fmt.Sprint("round ", round+1), s.crowd.stats)
	}
	s.ticks = nil
	s.until(t, "everything to be heard", s.quiet)
	for _, w := range s.crowd.verdict(s.crowd.ears) {
		t.Error(w)
	}
	s.drop(t)
	s.present(t)
	s.ask(t, "stats")
	s.figures(t, first)
}

// calmly lets clients talk while nothing is broken.
func (s *script) calmly(t *testing.T) {
	t.Helper()
	s.crowd.calm = true
	s.during(t, s.calm)
	s.crowd.calm = false
}

// killOne kills a node, and starts it again a little later.
func (s *script) killOne(t *testing.T, m *machine) {
	t.Helper()
	m.kill()
	s.during(t, s.calm)
	m.start()
	s.until(t, m.String()+" to be back", func() bool { return m.ready })
	s.until(t, "a moment without anything to be heard", s.quietOnce())
}

// cutOff cuts a node off for some time.
func (s *script) cutOff(t *testing.T, m *machine) {
	t.Helper()
	m.cut()
	s.during(t, s.cut)
	m.heal()
	s.until(t, "a moment without anything to be heard", s.quietOnce())
}

// quietOnce lets clients be silent until all is heard.
func (s *script) quietOnce() func() bool {
	ticks := s.ticks
	s.ticks = nil
	return func() bool {
		if !s.quiet() {
			return false
		}
		s.ticks = ticks
		return true
	}
}

// drop shows that the checker sees it when one that was heard is dropped.
func (s *script) drop(t *testing.T) {
	t.Helper()
	ears := maps.Clone(s.crowd.ears)
	of := s.crowd.clients[0].name
	ears[of] = slices.Delete(slices.Clone(ears[of]), len(ears[of])/2, len(ears[of])/2+1)
	if got := s.crowd.verdict(ears); len(got) != 1 {
		t.Errorf("one message was dropped, and the checker says %q", got)
	}
}

// present asks each node who is where, until it says so of everybody.
func (s *script) present(t *testing.T) {
	t.Helper()
	want := map[string][]string{}
	for _, k := range s.crowd.clients {
		want[k.room] = append(want[k.room], k.name)
	}
	var last string
	defer func() {
		if t.Failed() {
			t.Logf("present: %s", last)
		}
	}()
	for room, names := range want {
		slices.Sort(names)
		for _, m := range s.lab.nodes {
			key := m.String() + room
			s.until(t, "everybody to be present in "+room, func() bool {
				if got, asked := s.crowd.here[key]; asked {
					if got == strings.Join(names, ",") {
						return true
					}
					last = fmt.Sprintf("%v has %s in %s, and not %s", m, got, room, strings.Join(names, ","))
					delete(s.crowd.here, key)
				}
				m.tell("here %s", room)
				return false
			})
		}
	}
}

// ask asks all nodes.
func (s *script) ask(t *testing.T, what string) {
	t.Helper()
	clear(s.crowd.stats)
	for _, m := range s.lab.nodes {
		m.tell("%s", what)
	}
	s.until(t, what, func() bool { return len(s.crowd.stats) == len(s.lab.nodes) })
}

func (c *crowd) takeFigure(e event, w []string) {
	switch w[0] {
	case "stats":
		var st nodeStats
		if err := json.Unmarshal([]byte(w[1]), &st); err != nil {
			panic(err)
		}
		c.stats[e.node] = st
	case "hop":
		d, _ := strconv.ParseInt(w[2], 10, 64)
		key := "other"
		if w[1] == e.node.String() {
			key = "own"
		}
		c.hops[key] = append(c.hops[key], time.Duration(d))
	case "hopped":
		c.hopped++
	case "here":
		c.here[e.node.String()+w[1]] = w[len(w)-1]
	}
}

func (s *script) figures(t *testing.T, first map[*machine]nodeStats) {
	c := s.crowd
	s.lab.nodes[0].tell("hop %d", 2000)
	s.until(t, "hops", func() bool { return c.hopped == 1 })
	n := 0
	for _, h := range c.ears {
		n += len(h)
	}
	t.Logf("%d said, %d heard, %d failed and said again", len(c.order), n, c.failed)
	for _, where := range []string{"own", "other"} {
		t.Logf("a request to a subject and back, %s node: p50 %v, p99 %v", where, percentile(c.hops[where], 50), percentile(c.hops[where], 99))
	}
	t.Logf("said until heard, stored by most: same node p50 %v, p99 %v; another node p50 %v, p99 %v",
		percentile(c.near, 50), percentile(c.near, 99), percentile(c.far, 50), percentile(c.far, 99))
	s.memory(t, "after the first round", first)
	s.memory(t, "in the end", c.stats)
}

func (s *script) memory(t *testing.T, when string, stats map[*machine]nodeStats) {
	var text []string
	for _, m := range s.lab.nodes {
		st := stats[m]
		text = append(text, fmt.Sprintf("%v resident %d MB, heap %d MB, %d goroutines", m, st.Resident>>20, st.Heap>>20, st.Goroutines))
	}
	t.Logf("%s: %s", when, strings.Join(text, "; "))
}
