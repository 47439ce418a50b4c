package sim_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// chatty has a client send some bytes to a server, and a program that says what it does.
func chatty(w *sim.World) error {
	w.Host("server").Start(func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":7")
		if err != nil {
			return err
		}
		c, err := ln.Accept(t)
		if err != nil {
			return err
		}
		_, err = c.ReadFull(t, make([]byte, 100))
		w.Mark("read")
		return err
	})
	return w.Host("client").Run(func(t *corolla.Task) error {
		w.Sometimes("here")
		c, err := aio.Dial(t, "tcp", "server:7")
		if err != nil {
			return err
		}
		_, err = c.Write(t, bytes.Repeat([]byte("hello "), 20))
		return err
	})
}

func TestEventsHaveTheFirstBytes(t *testing.T) {
	w := sim.New(1, sim.Whole())
	defer w.Close()
	var data []string
	w.Observe(func(e sim.Event) {
		if e.Data != "" {
			data = append(data, e.Data)
		}
		if strings.Contains(e.String(), "hello") {
			t.Errorf("%v has what was sent", e)
		}
	}, sim.Sent)
	if err := chatty(w); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(data, []string{strings.Repeat("hello ", 20)[:40]}) {
		t.Errorf("%q", data)
	}
}

func TestObserveSomeKinds(t *testing.T) {
	for _, c := range []struct {
		kinds []sim.EventKind
		want  []sim.EventKind
	}{
		{[]sim.EventKind{sim.Reached}, []sim.EventKind{sim.Reached}},
		{[]sim.EventKind{sim.Reached, sim.Marked}, []sim.EventKind{sim.Reached, sim.Marked}},
		{[]sim.EventKind{sim.Started}, []sim.EventKind{sim.Started, sim.Started}},
	} {
		w := sim.New(1)
		var heard []sim.EventKind
		w.Observe(func(e sim.Event) { heard = append(heard, e.Kind) }, c.kinds...)
		if err := chatty(w); err != nil {
			t.Error(err)
		}
		w.Advance(1e9)
		w.Close()
		if !slices.Equal(heard, c.want) {
			t.Errorf("of %q: %q, want %q", c.kinds, heard, c.want)
		}
	}
}
