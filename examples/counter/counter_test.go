package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

func TestExploreCounter(t *testing.T) { simtest.Explore(t, 500, threeReplicas) }

// memory is a disk that survives a crash. It writes in two pieces.
type memory struct{ b []byte }

func (m *memory) Load(*corolla.Task) ([]byte, error) { return slices.Clone(m.b), nil }

func (m *memory) Cut(_ *corolla.Task, size int) error {
	m.b = m.b[:size]
	return nil
}

func (m *memory) Append(t *corolla.Task, b []byte) error {
	m.b = append(m.b, b[:len(b)/2]...)
	if err := t.Sleep(100 * time.Millisecond); err != nil {
		return err
	}
	m.b = append(m.b, b[len(b)/2:]...)
	return nil
}

var replicas = []string{"a", "b", "c"}

// threeReplicas lets clients add to the counter and read it while hosts crash and links fail. What they
// saw must be what they would have seen of one counter, and in the end everybody answers.
func threeReplicas(r *simtest.Run) error {
	r.Expect("without a majority", "answered too late", "lost with a question open", "half a line in the journal")
	for _, name := range replicas {
		others := slices.DeleteFunc(slices.Clone(replicas), func(n string) bool { return n == name })
		disk := &memory{}
		r.Supervise(name, func(t *corolla.Task) error {
			ln, err := aio.Listen(t.Loop(), "tcp", ":7000")
			if err != nil {
				return err
			}
			return serve(t, ln, disk, []string{others[0] + ":7000", others[1] + ":7000"}, r.Sometimes)
		})
	}
	r.Storm(10 * time.Second)

	log := history.NewLog[op, int](r.Now)
	users := r.World.Host("users")
	var done []*sim.Program
	for i := range 3 {
		u := &user{number: i, log: log, random: rand.New(rand.NewPCG(r.Seed(), uint64(i)))}
		done = append(done, users.Start(u.act))
	}
	ended := func() bool {
		return !slices.ContainsFunc(done, func(p *sim.Program) bool { return !p.Done() })
	}
	if err := r.RunUntil(ended, 5*time.Minute); err != nil {
		return err
	}
	for _, p := range done {
		if err := p.Err(); err != nil {
			return err
		}
	}
	return history.Linearizable(log, counter)
}

// op adds one to the counter, or reads it.
type op struct{ add string }

func (o op) String() string {
	if o.add != "" {
		return "add " + o.add
	}
	return "value"
}

var counter = history.Model[int, op, int]{
	Step: func(n int, in op, out int, known bool) (int, bool) {
		if in.add != "" {
			return n + 1, true
		}
		return n, !known || n == out
	},
}

// user asks one replica after another.
type user struct {
	number int
	log    *history.Log[op, int]
	random *rand.Rand
}

func (u *user) act(t *corolla.Task) error {
	for i := range 6 {
		in := op{}
		if u.random.IntN(2) == 0 {
			in.add = fmt.Sprintf("u%d-%d", u.number, i)
		}
		u.once(t, in)
		if err := t.Sleep(time.Duration(u.random.IntN(2000)) * time.Millisecond); err != nil {
			return err
		}
	}
	// The storm is over. A replica that was cut off may take a moment to find that out.
	for range 20 {
		if u.once(t, op{}) {
			return nil
		}
		if err := t.Sleep(time.Second); err != nil {
			return err
		}
	}
	return errors.New("no replica answers")
}

// once does one operation, with up to three attempts, and reports whether it was done.
func (u *user) once(t *corolla.Task, in op) bool {
	noted := u.log.Begin(u.number, in)
	for range 3 {
		answer, err := ask(t, replicas[u.random.IntN(3)], in.String())
		n := 0
		if _, bad := fmt.Sscanf(answer, "value %d", &n); err == nil && (answer == "ok" || bad == nil) {
			noted.End(n)
			return true
		}
	}
	return false // it may have been done
}

// ask sends a line to a replica and returns what it answers.
func ask(t *corolla.Task, host, line string) (answer string, err error) {
	err = t.Timeout(time.Second, func(*corolla.Scope) error {
		c, err := aio.Dial(t, "tcp", host+":7000")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c.Bind(t), line+"\n"); err != nil {
			return err
		}
		b, err := c.ReadUntil(t, []byte("\n"))
		answer = strings.TrimSpace(string(b))
		return err
	})
	return answer, err
}
