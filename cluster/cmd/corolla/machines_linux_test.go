package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestChatAcrossFailingMachines has three machines, of which one after the other is killed and started again, cut off and
// joined again, and rolled through a new version, while clients talk. COROLLA_CLUSTER=5m makes it go on for that
// long, with 1,000 clients and cuts of 10 seconds.
func TestChatAcrossFailingMachines(t *testing.T) {
	clients, rooms, calm, cut, atLeast := 24, 4, time.Second, 4*time.Second, time.Duration(0)
	if long := os.Getenv("COROLLA_CLUSTER"); long != "" {
		d, err := time.ParseDuration(long)
		if err != nil {
			t.Fatal(err)
		}
		clients, rooms, calm, cut, atLeast = 1000, 10, 10*time.Second, 10*time.Second, d
	} else if testing.Short() {
		t.Skip("it takes half a minute")
	}
	m := newLab(t, 3)
	p := &play{machines: m, every: 50 * time.Millisecond, crowd: newCrowd(m.nodes, clients, rooms)}
	stage(t, p, func(p *play) {
		for _, n := range p.nodes {
			n.program = filepath.Join(p.store, "corolla-"+n.name)
			if err := os.Rename(p.build("0"), n.program); err != nil {
				t.Fatal(err)
			}
		}
		p.begin()
		p.calmly(calm)
		p.memory("in the beginning")
		for round, end := 0, p.task.Loop().Now()+atLeast; round == 0 || p.task.Loop().Now() < end; round++ {
			p.killed(p.nodes[round%3], calm)
			p.cutOff(p.nodes[(round+1)%3], cut)
			p.rolled(p.nodes[(round+2)%3], fmt.Sprint(round+1))
			p.calmly(calm)
			p.memory(fmt.Sprint("round ", round+1))
		}
		p.end()
	})
}
