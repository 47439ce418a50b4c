package main

import (
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// TestChatOnThreeMachines has three programs on the loopback, of which one is reloaded while clients talk, one loses a
// worker, and one is killed.
func TestChatOnThreeMachines(t *testing.T) {
	m := newLoopback(t, 3)
	p := &play{machines: m, every: 20 * time.Millisecond, crowd: newCrowd(m.nodes, 12, 2)}
	stage(t, p, func(p *play) {
		p.begin()
		p.during(200 * time.Millisecond)
		p.everywhere()
		p.reloaded(p.nodes[0], 1)
		p.workerKilled(p.nodes[1])
		p.killed(p.nodes[2], 100*time.Millisecond)
		p.during(200 * time.Millisecond)
		p.stats()
		p.end()
	})
}

// everywhere wants clients on all nodes.
func (p *play) everywhere() {
	p.Helper()
	on := map[string]int{}
	for _, k := range p.crowd.clients {
		on[k.on.Node]++
		if k.on.Worker == 0 || k.on.Version == "" {
			p.Errorf("%s is on %+v", k.name, k.on)
		}
	}
	if len(on) != len(p.nodes) {
		p.Errorf("clients are on %v", on)
	}
}

// stats asks a node for its numbers.
func (p *play) stats() {
	p.Helper()
	var text strings.Builder
	err := p.task.Timeout(lastResort, func(*corolla.Scope) error {
		c, err := aio.Dial(p.task, "tcp", p.nodes[0].addr)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(p.task, []byte("GET /stats HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n")); err != nil {
			return err
		}
		for line, err := range c.Lines(p.task) {
			if err != nil {
				return err
			}
			text.Write(line)
		}
		return nil
	})
	for _, want := range []string{`"node":"n1"`, `"generation":1`, `"shards":2`, `"version":"dev"`} {
		if err != nil || !strings.Contains(text.String(), want) {
			p.Errorf("the numbers do not have %s: %v, %s", want, err, text.String())
		}
	}
}
