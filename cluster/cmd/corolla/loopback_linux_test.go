package main

import (
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/cluster"
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

// TestChatOnOneMachine has the other ways to have a cluster: without workers, without other machines, and with a server
// that is there.
func TestChatOnOneMachine(t *testing.T) {
	for name, options := range map[string]string{
		"one process":            "--shards 2 --cluster embed",
		"workers":                "--workers 2 --cluster embed",
		"a server that is there": "--workers 2 --shards 2 --cluster URL",
	} {
		t.Run(name, func(t *testing.T) {
			m := newLoopback(t, 1)
			p := &play{machines: m, every: 10 * time.Millisecond, crowd: newCrowd(m.nodes, 6, 2)}
			stage(t, p, func(p *play) {
				n := p.nodes[0]
				if strings.Contains(options, "URL") {
					c, err := cluster.Embed(p.task.Loop(), cluster.Store(t.TempDir()), cluster.Clients("127.0.0.1:0")).Await(p.task)
					if err != nil {
						t.Fatal(err)
					}
					options = strings.Replace(options, "URL", c.ClientURL(), 1)
				}
				n.options = options
				p.begin()
				p.during(200 * time.Millisecond)
				if strings.Contains(options, "workers") {
					p.workerKilled(n)
					p.reloaded(n, 1)
				} else {
					p.killed(n, 0)
				}
				p.during(200 * time.Millisecond)
				p.end()
			})
		})
	}
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
