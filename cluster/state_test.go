package cluster_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go/jetstream"
)

func TestStateIsCopied(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		cfg := jetstream.KeyValueConfig{Bucket: "B"}
		a := must(c.State(cfg).Await(task))(t)
		rev := must(a.Put("k.1", []byte("v")).Await(task))(t)
		b := must(c.State(cfg).Await(task))(t)
		if e, ok := b.Get("k.1"); !ok || string(e.Value) != "v" || e.Revision != rev {
			t.Errorf("the copy has %+v, %v", e, ok)
		}
		var told []string
		b.OnChange(func(e cluster.Entry) { told = append(told, fmt.Sprintf("%s=%s %v", e.Key, e.Value, e.Deleted)) })
		_, err := a.Create("k.1", nil).Await(task)
		wantErr(t, "Create", err, cluster.ErrConflict)
		_, err = a.Update("k.1", nil, rev+7).Await(task)
		wantErr(t, "Update", err, cluster.ErrConflict)
		for i, change := range []func() *corolla.Future[uint64]{
			func() *corolla.Future[uint64] { return a.Update("k.1", []byte("w"), rev) },
			func() *corolla.Future[uint64] { return a.Create("k.2", []byte("x")) },
			func() *corolla.Future[uint64] { return a.Delete("k.1") },
		} {
			must(change().Await(task))(t)
			for len(told) <= i { // a copy may skip what a key had in between
				must(0, b.WaitChange(task))(t)
			}
		}
		if want := []string{"k.1=w false", "k.2=x false", "k.1= true"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		var keys []string
		for k := range b.All() {
			keys = append(keys, k)
		}
		if !slices.Equal(keys, []string{"k.2"}) {
			t.Errorf("keys: %q", keys)
		}
		for _, k := range []string{"", ".a", "a.", "a..b", "a b", "a*", "ä"} {
			_, err = a.Put(k, nil).Await(task)
			wantErr(t, "key "+k, err, cluster.ErrSubject)
		}
		b.Close()
		wantErr(t, "WaitChange", b.WaitChange(task), cluster.ErrClosed)
		must(c.Drain(patience).Await(task))(t)
		wantErr(t, "WaitChange", a.WaitChange(task), cluster.ErrClosed)
	}, cluster.Store(t.TempDir()))
}

// TestStateBeginsAnew without what was deleted while nobody told it.
func TestStateBeginsAnew(t *testing.T) {
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		s := must(c.State(jetstream.KeyValueConfig{Bucket: "B"}).Await(task))(t)
		must(s.Put("a", []byte("1")).Await(task))(t)
		must(s.Put("b", []byte("1")).Await(task))(t)
		until(t, task, "both", func() bool { _, ok := s.Get("b"); return ok })
		var told []string
		s.OnChange(func(e cluster.Entry) { told = append(told, e.Key) })
		cluster.BeginAnew(s, cluster.Entry{Key: "b", Value: []byte("1"), Revision: 2})
		if _, ok := s.Get("a"); ok || !slices.Equal(told, []string{"a"}) {
			t.Errorf("told of %q", told)
		}
	}, cluster.Store(t.TempDir()))
}

// names lists who is present, for a comparison.
func names(p *cluster.Presence) (all []string) {
	for _, m := range p.Members() {
		all = append(all, fmt.Sprintf("%s@%s=%s", m.Key, m.Node, m.Value))
	}
	return all
}

func TestPresence(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, errs *[]error) {
		a := embed(t, task, cluster.Store(t.TempDir()), cluster.Clients("127.0.0.1:0"))
		b := must(cluster.Connect(task.Loop(), a.ClientURL(), cluster.Name("b")).Await(task))(t)
		pa := must(a.Presence("P", cluster.MinTTL).Await(task))(t)
		pb := must(b.Presence("P", cluster.MinTTL).Await(task))(t)
		var told []string
		pa.OnChange(func(m cluster.Member, here bool) { told = append(told, fmt.Sprint(m.Key, string(m.Value), here)) })
		must(0, pb.Enter("eve", []byte("1")))(t)
		must(0, pb.Enter("eve", []byte("2")))(t)
		must(0, pb.Enter("room/ann ü", nil))(t)
		must(0, pa.Enter("bob", nil))(t)
		pb.Leave("ann")
		want := []string{"bob@TestPresence=", "eve@b=2", "room/ann ü@b="}
		for _, p := range []*cluster.Presence{pa, pb} {
			until(t, task, "all members", func() bool { return slices.Equal(names(p), want) })
		}
		pb.Leave("eve")
		until(t, task, "eve to go", func() bool { return slices.Contains(told, "eve2false") })

		// Another node of the same name takes the place of the one that has died, as if it had been killed.
		closed(t, task, b)
		b = must(cluster.Connect(task.Loop(), a.ClientURL(), cluster.Name("b")).Await(task))(t)
		before := task.Loop().Now()
		pb = must(b.Presence("P", cluster.MinTTL).Await(task))(t)
		until(t, task, "ann to go", func() bool { return len(pa.Members()) == 1 })
		if took := task.Loop().Now() - before; took > cluster.MinTTL {
			t.Logf("the successor took %v", took)
		}
		must(0, pb.Enter("zoe", nil))(t)
		until(t, task, "zoe", func() bool { return len(pa.Members()) == 2 })
		closed(t, task, b) // without a word: her time to live is over
		until(t, task, "zoe to go", func() bool { return len(pa.Members()) == 1 })
		until(t, task, "her key to be deleted", func() bool { return cluster.Keys(pa) == 2 })
		must(a.Drain(patience).Await(task))(t)
		wantErr(t, "Enter", pa.Enter("late", nil), cluster.ErrClosed)
	})
}

// TestDrainSaysGoodbye, and the others see it before any time to live is over.
func TestDrainSaysGoodbye(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, errs *[]error) {
		a := embed(t, task, cluster.Store(t.TempDir()), cluster.Clients("127.0.0.1:0"))
		b := must(cluster.Connect(task.Loop(), a.ClientURL(), cluster.Name("b")).Await(task))(t)
		pa := must(a.Presence("P", 20*patience).Await(task))(t)
		pb := must(b.Presence("P", 20*patience).Await(task))(t)
		must(0, pb.Enter("eve", nil))(t)
		until(t, task, "eve", func() bool { return len(pa.Members()) == 1 })
		must(b.Drain(patience).Await(task))(t)
		until(t, task, "eve to go", func() bool { return len(pa.Members()) == 0 })
		must(0, pa.Enter("bob", nil))(t)
		pa.Close()
		closed(t, task, a)
	})
}
