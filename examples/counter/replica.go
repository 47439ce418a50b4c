package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// answerTime is how long a replica waits for a majority.
const answerTime = 500 * time.Millisecond

// replica is one of the copies of the counter. An increment has a name, so that it counts once
// however often it is asked for, and is done when most of the replicas have stored it. The value is
// the number of names that most replicas know of, and is told when most have stored those.
type replica struct {
	store *journal
	peers []*peer
	note  func(what string) // of what is rare
}

// serve runs the replica until its task is canceled.
func (r *replica) serve(t *corolla.Task, ln *aio.Listener) error {
	return t.Group(func(g *corolla.Group) error {
		for _, p := range r.peers {
			g.Go(p.keep, corolla.Name("peer "+p.addr))
		}
		return aio.NewServer(ln, r.talk, aio.MaxConns(1000)).Serve(t)
	})
}

// talk answers a client, or another replica.
func (r *replica) talk(t *corolla.Task, c *aio.Conn) error {
	for {
		line, err := c.ReadUntil(t, []byte("\n")) // a line that is cut off is none
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.Bind(t), r.answer(t, string(line))); err != nil {
			return err
		}
	}
}

func (r *replica) answer(t *corolla.Task, line string) string {
	words := strings.Fields(line)
	switch {
	case len(words) == 2 && words[0] == "add":
		if err := r.add(t, words[1]); err != nil {
			return "error: " + err.Error()
		}
		return "ok"
	case len(words) == 1 && words[0] == "value":
		n, err := r.value(t)
		if err != nil {
			return "error: " + err.Error()
		}
		return fmt.Sprint("value ", n)
	case len(words) >= 2 && words[0] == "sync": // sync NUMBER NAME…
		if err := r.store.Add(t, words[2:]...); err != nil {
			return "error: " + err.Error()
		}
		return "have " + words[1] + " " + strings.Join(r.store.All(), " ")
	}
	return "error: say add NAME, or value"
}

func (r *replica) add(t *corolla.Task, name string) error {
	if err := r.store.Add(t, name); err != nil {
		return err
	}
	_, err := r.most(t, name)
	return err
}

func (r *replica) value(t *corolla.Task) (int, error) {
	theirs, err := r.most(t)
	if err != nil {
		return 0, err
	}
	all := union(r.store.All(), theirs)
	if err := r.store.Add(t, all...); err != nil {
		return 0, err
	}
	_, err = r.most(t, all...) // or the next who asks might see less
	return len(all), err
}

// errAlone says that too few of the other replicas answered in time.
var errAlone = errors.New("no majority")

// most gives names to the other replicas and returns what one of them has, once it has them too: it
// and this one are most of three.
func (r *replica) most(t *corolla.Task, names ...string) ([]string, error) {
	var asked, first []*corolla.Future[[]string]
	for _, p := range r.peers {
		f := p.sync(t.Loop(), names)
		asked, first = append(asked, f), append(first, corolla.Shield(f)) // the slower one answers, too
	}
	theirs, err := corolla.Any(t.Loop(), first...).AwaitTimeout(t, answerTime)
	if err != nil {
		r.note("without a majority")
		for _, f := range asked {
			f.Cancel(errAlone)
		}
		return nil, fmt.Errorf("%w: %w", errAlone, err)
	}
	return theirs, nil
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
