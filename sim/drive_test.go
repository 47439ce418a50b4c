package sim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// heartbeat counts seconds for ever.
func heartbeat(beats *int) func(t *corolla.Task) error {
	return func(t *corolla.Task) error {
		for {
			if err := t.Sleep(time.Second); err != nil {
				return err
			}
			*beats++
		}
	}
}

func TestAdvanceRunsWhatIsDue(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	beats := 0
	w.Advance(10 * time.Second) // with nobody there
	w.Host("a").Start(heartbeat(&beats))
	for _, c := range []struct {
		d    time.Duration
		want int
	}{{500 * time.Millisecond, 0}, {500 * time.Millisecond, 1}, {0, 1}, {10 * time.Second, 11}, {time.Hour, 3611}} {
		if w.Advance(c.d); beats != c.want {
			t.Errorf("%d beats at %v, want %d", beats, w.Now(), c.want)
		}
	}
	if w.Now() != time.Hour+21*time.Second {
		t.Errorf("it is %v", w.Now())
	}
}

func TestRunUntil(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	beats := 0
	w.Host("a").Start(heartbeat(&beats))
	three := func() bool { return beats >= 3 }
	if err := w.RunUntil(three, time.Minute); err != nil || w.Now() != 3*time.Second {
		t.Errorf("at %v: %v", w.Now(), err)
	}
	if err := w.RunUntil(three, 0); err != nil || w.Now() != 3*time.Second {
		t.Errorf("when it is so: at %v: %v", w.Now(), err)
	}
	err := w.RunUntil(func() bool { return false }, 5*time.Second)
	var limit *sim.LimitError
	if !errors.As(err, &limit) || limit.At != 8*time.Second || w.Now() != 8*time.Second || beats != 8 {
		t.Errorf("at %v, %d beats: %v", w.Now(), beats, err)
	}
	if len(limit.Hosts) != 1 || !strings.Contains(err.Error(), "a: task \"main\" of ") {
		t.Errorf("the error says %v", err)
	}
}

// A loop that waits does not look at the clock, and yet the error says for how long its tasks have waited.
func TestLimitSaysHowLongTasksWait(t *testing.T) {
	w := sim.New(1, sim.Limit(time.Minute))
	defer w.Close()
	beats := 0
	w.Host("a").Start(heartbeat(&beats))
	w.Host("b").Start(func(t *corolla.Task) error { return t.Park("Godot") })
	if err := w.Run(); !strings.Contains(err.Error(), "parked on Godot for 1m0s") {
		t.Errorf("the error says %v", err)
	}
}

// A World that has come to its limit ends whoever drives it, or else the loops.
func TestLimitEndsAHeartbeat(t *testing.T) {
	beats := 0
	w := sim.New(1, sim.Limit(100*time.Second))
	w.Host("a").Start(heartbeat(&beats))
	var limit *sim.LimitError
	if err := w.Run(); !errors.As(err, &limit) || limit.At != 100*time.Second || beats != 100 {
		t.Errorf("%d beats: %v", beats, err)
	}
	w.Close()
	beats = 0
	l := sim.New(1, sim.Limit(100*time.Second)).NewLoop()
	if err := l.Run(heartbeat(&beats)); !errors.As(err, &limit) || beats != 100 {
		t.Errorf("%d beats: %v", beats, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestDeadlockNamesTasksOfAllHosts(t *testing.T) {
	var kinds []sim.EventKind
	w := sim.New(1)
	defer w.Close()
	w.Observe(func(e sim.Event) {
		if e.Kind == sim.Deadlock || e.Kind == sim.Stuck {
			kinds = append(kinds, e.Kind)
		}
	})
	w.Host("server").Start(serveEcho)
	listen := func(t *corolla.Task) error {
		c, err := aio.Dial(t, "tcp", "server:7")
		if err != nil {
			return err
		}
		defer c.Close()
		t.Loop().Go(func(t *corolla.Task) error { return t.Park("Godot") }, corolla.Name("waiter"))
		_, err = c.Read(t, make([]byte, 1))
		return err
	}
	client := w.Host("client")
	err := client.Run(listen)
	var deadlock *sim.DeadlockError
	if !errors.As(err, &deadlock) {
		t.Fatalf("%v", err)
	}
	for _, says := range []string{"server: ", "client: task \"main\" of ", "client: task \"waiter\" of ", "parked on Godot", "parked on reading"} {
		if !strings.Contains(strings.ReplaceAll(err.Error(), "read ", "reading "), says) {
			t.Errorf("it does not say %q:\n%v", says, err)
		}
	}
	if len(deadlock.Hosts) != 2 || len(kinds) != 1+len(deadlock.Hosts[0].Tasks)+len(deadlock.Hosts[1].Tasks) {
		t.Errorf("%+v, and events %v", deadlock.Hosts, kinds)
	}
	w.Inject(sim.Fault{Kind: sim.Reset, At: w.Now()}) // and it can go on
	if err := w.RunUntil(func() bool { return strings.Count(err.Error(), "") > 0 }, 0); err != nil {
		t.Error(err)
	}
}

func TestDrivingADrivenWorldPanics(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	panicked := false
	if err := w.Host("a").Run(func(*corolla.Task) error {
		defer func() { panicked = recover() != nil }()
		w.Advance(time.Second)
		return nil
	}); err != nil || !panicked {
		t.Errorf("Run: %v; panicked: %v", err, panicked)
	}
}

// Events have the host's own time, and the same connection at both ends.
func TestEvents(t *testing.T) {
	w := calm(1)
	seen := map[sim.EventKind]int{}
	ends := map[uint64]string{}
	w.Observe(func(e sim.Event) {
		seen[e.Kind]++
		if e.Kind == sim.Sent && ends[e.Conn] == "" {
			ends[e.Conn] = e.Host + " " + e.Peer
		}
		if e.Kind == sim.Arrived && ends[e.Conn] != e.Peer+" "+e.Host && ends[e.Conn] != e.Host+" "+e.Peer {
			t.Errorf("%v: the connection is between %s", e, ends[e.Conn])
		}
	})
	w.ObserveTasks()
	w.Host("server")
	inject(t, w, "crash host=server at=2s for=1s", "reset at=1s", "delay at=1s for=1s by=1ms")
	w.Host("other").Start(func(t *corolla.Task) error { return echo(t, "server:7", 1) })
	_ = talk(t, w, func(t *corolla.Task, c *aio.Conn) error {
		w.Mark("connected")
		if err := ask(t, c, "hello"); err != nil {
			return err
		}
		return t.Sleep(5 * time.Second)
	})
	if len(ends) != 2 {
		t.Errorf("the numbers of connections: %v", ends)
	}
	for _, kind := range []sim.EventKind{
		sim.TaskIs, sim.Call, sim.Sent, sim.Arrived, sim.WasReset, sim.Struck, sim.Over, sim.Crashed, sim.Started, sim.Ended, sim.Marked,
	} {
		if seen[kind] == 0 {
			t.Errorf("no event %q", kind)
		}
	}
}

func TestTasksAreObserved(t *testing.T) {
	w := calm(1)
	defer w.Close()
	var says []string
	w.Observe(func(e sim.Event) {
		if e.Kind == sim.TaskIs {
			name, _, _ := strings.Cut(strings.TrimPrefix(e.Task, "task "), " of ")
			says = append(says, e.Time.String()+" "+name+" "+e.Text)
		}
	})
	w.ObserveTasks()
	w.Host("a").Start(func(t *corolla.Task) error {
		t.Loop().Go(func(t *corolla.Task) error { return t.Sleep(time.Second) }, corolla.Name("child"))
		if err := t.Sleep(2 * time.Second); err != nil {
			return err
		}
		return t.Park("Godot")
	})
	w.Advance(3 * time.Second)
	want := []string{
		`0s "main" ready`, `0s "main" parked on a sleep`, `0s "child" ready`, `0s "child" parked on a sleep`,
		`1s "child" ready`, `1s "child" ended`, `2s "main" ready`, `2s "main" parked on Godot`,
	}
	if !slices.Equal(says, want) {
		t.Errorf("%q, want %q", says, want)
	}
}
