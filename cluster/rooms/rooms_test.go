package rooms_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/cluster/rooms"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// env is a test's node, alone in its cluster.
type env struct {
	*testing.T
	task  *corolla.Task
	conn  *cluster.Conn
	rooms *rooms.Rooms
	cfg   rooms.Config
}

func alone(t *testing.T, cfg rooms.Config, test func(e *env)) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	if err := l.Run(func(task *corolla.Task) error {
		c, err := cluster.Embed(l, cluster.Name("n"), cluster.Store(t.TempDir())).Await(task)
		if err != nil {
			return err
		}
		e := &env{T: t, task: task, conn: c, cfg: cfg}
		e.rooms = e.open()
		test(e)
		_, err = c.Drain(time.Minute).Await(task)
		return err
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
}

func (e *env) open() *rooms.Rooms {
	e.Helper()
	r, err := rooms.Open(e.conn, e.cfg).Await(e.task)
	if err != nil {
		e.Fatal(err)
	}
	return r
}

func (e *env) say(room, sender, id, text string) cluster.Ack {
	e.Helper()
	ack, err := e.rooms.Say(room, sender, id, []byte(text)).Await(e.task)
	if err != nil {
		e.Fatal(err)
	}
	return ack
}

func (e *env) until(what string, so func() bool) {
	e.Helper()
	for end := e.task.Loop().Now() + time.Minute; !so(); {
		if err := e.task.Sleep(time.Millisecond); err != nil || e.task.Loop().Now() > end {
			e.Fatalf("has not come: %s, %v", what, err)
		}
	}
}

// ear collects what a seat hears.
type ear struct {
	seat   *rooms.Seat
	gap    bool
	missed []string
	heard  []string
}

func (e *env) join(room, member string, after uint64) *ear {
	e.Helper()
	ear := new(ear)
	text := func(m *rooms.Message) string { return fmt.Sprintf("%s:%s", m.Sender, m.Data) }
	seat, missed, gap, err := e.rooms.Join(room, member, after, func(m *rooms.Message) { ear.heard = append(ear.heard, text(m)) })
	if err != nil {
		e.Fatal(err)
	}
	for _, m := range missed {
		ear.missed = append(ear.missed, text(m))
	}
	ear.seat, ear.gap = seat, gap
	return ear
}

func (e *env) want(what string, got []string, want string) {
	e.Helper()
	if s := strings.Join(got, " "); s != want {
		e.Errorf("%s: %q; want %q", what, s, want)
	}
}

func TestRoomsHearWhatIsSaid(t *testing.T) {
	alone(t, rooms.Config{}, func(e *env) {
		ann, bob := e.join("a b.>*", "ann", 0), e.join("a b.>*", "bob", 0)
		other := e.join("other", "ann", 0)
		one := e.say("a b.>*", "ann", "1", "hello")
		if again := e.say("a b.>*", "ann", "1", "hello"); !again.Duplicate || again.Seq != one.Seq {
			e.Errorf("said again: %+v, %+v", one, again)
		}
		e.say("a b.>*", "bob", "1", "hi")
		e.until("both", func() bool { return len(ann.heard) == 2 && len(bob.heard) == 2 })
		e.want("ann", ann.heard, "ann:hello bob:hi")
		e.want("bob", bob.heard, "ann:hello bob:hi")
		bob.seat.Leave()
		bob.seat.Leave()
		e.say("a b.>*", "ann", "2", "bye")
		e.until("the last", func() bool { return len(ann.heard) == 3 })
		e.want("bob, who left", bob.heard[2:], "")
		e.want("the other room", other.heard, "")
		back := e.join("a b.>*", "bob", one.Seq)
		e.want("bob, who is back", back.missed, "bob:hi ann:bye")
		fresh := e.join("a b.>*", "eve", 0)
		e.want("eve", fresh.missed, "ann:hello bob:hi ann:bye")
		if back.gap || fresh.gap {
			e.Error("nothing is missing")
		}
	})
}

// TestMemberFromANodeThatIsAhead hears nothing that it has heard there.
func TestMemberFromANodeThatIsAhead(t *testing.T) {
	alone(t, rooms.Config{}, func(e *env) {
		ear := e.join("r", "ann", 2)
		for i := range 4 {
			e.say("r", "bob", fmt.Sprint(i), fmt.Sprint(i+1))
		}
		e.until("the last", func() bool { return len(ear.heard) > 0 && ear.heard[len(ear.heard)-1] == "bob:4" })
		e.want("ann", ear.heard, "bob:3 bob:4")
	})
}

func TestRoomsKeepSoMuch(t *testing.T) {
	cfg := rooms.Config{History: 2, Keep: 4}
	alone(t, cfg, func(e *env) {
		first := e.say("r", "ann", "0", "0")
		for i := 1; i < 8; i++ {
			e.say("r", "ann", fmt.Sprint(i), fmt.Sprint(i))
		}
		e.say("q", "ann", "0", "0")
		check := func(who string) {
			e.Helper()
			e.until("all", func() bool { return len(e.join("q", "probe", 0).missed) == 1 })
			e.want(who+" is new", e.join("r", who, 0).missed, "ann:6 ann:7")
			old := e.join("r", who, first.Seq)
			e.want(who+" was away for long", old.missed, "ann:4 ann:5 ann:6 ann:7")
			recent := e.join("r", who, first.Seq+4)
			e.want(who+" was away", recent.missed, "ann:5 ann:6 ann:7")
			if !old.gap || recent.gap {
				e.Errorf("gaps: %v, %v; want the first", old.gap, recent.gap)
			}
		}
		check("bob")
		e.rooms.Close()
		e.rooms = e.open() // with what the stream has kept
		e.until("all", func() bool { return len(e.join("r", "eve", 0).missed) == 2 })
		e.want("eve", e.join("r", "eve", 0).missed, "ann:6 ann:7")
	})
}

// TestRoomsAreBoundedInBytes of all rooms; the oldest messages go first, and rooms without any are forgotten.
func TestRoomsAreBoundedInBytes(t *testing.T) {
	const n = 100
	alone(t, rooms.Config{MaxBytes: 20_000}, func(e *env) {
		last := e.join("last", "ann", 0)
		for i := range n {
			e.say(fmt.Sprint("r", i), "ann", "1", strings.Repeat("x", 1000))
		}
		e.say("last", "ann", "1", "x")
		e.until("the last", func() bool { return len(last.heard) == 1 })
		kept := 0
		for i := range n {
			missed := e.join(fmt.Sprint("r", i), "eve", 0).missed
			if kept += len(missed); len(missed) == 0 && kept > 0 {
				e.Errorf("room %d has lost its message, and an older one has not", i)
			}
		}
		if kept < 10 || kept > 20 {
			e.Errorf("%d messages of 1 KB are kept in 20 KB", kept)
		}
	})
}

func TestRoomsKnowWhoIsHere(t *testing.T) {
	alone(t, rooms.Config{}, func(e *env) {
		var told []string
		e.rooms.OnPresence(func(room, member, node string, here bool) {
			told = append(told, fmt.Sprintf("%s/%s@%s=%v", room, member, node, here))
		})
		one, two := e.join("r/s", "ann", 0), e.join("r/s", "ann", 0)
		e.join("r/s", "bob", 0)
		e.until("both", func() bool { return len(e.rooms.Here("r/s")) == 2 })
		one.seat.Leave()
		if here := e.rooms.Here("r/s"); !slices.Equal(here, []string{"ann", "bob"}) {
			e.Errorf("here: %q, and ann is there a second time", here)
		}
		two.seat.Leave()
		e.until("ann to go", func() bool { return len(e.rooms.Here("r/s")) == 1 })
		slices.Sort(told)
		e.want("told", told, "r/s/ann@n=false r/s/ann@n=true r/s/bob@n=true")
		e.want("nobody", e.rooms.Here("no room"), "")
		for _, name := range []string{"", strings.Repeat("x", rooms.MaxName+1)} {
			_, _, _, err := e.rooms.Join(name, "ann", 0, nil)
			_, err2 := e.rooms.Say("r", name, "1", nil).Await(e.task)
			if !errors.Is(err, rooms.ErrName) || !errors.Is(err2, rooms.ErrName) {
				e.Errorf("name %q: %v, %v", name, err, err2)
			}
		}
	})
}
