package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestSimulatedDeadlockSaysWhoWaitsForWhat(t *testing.T) { // differences 14
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	err := l.Run(func(task *corolla.Task) error { return task.Park("Godot") })
	var d *corolla.DeadlockError
	if !errors.As(err, &d) || len(d.Tasks) != 1 || d.Tasks[0].On != "Godot" || d.Tasks[0].Name != "main" {
		t.Fatalf("Run = %v, want a deadlock of main on Godot", err)
	}
	if !strings.Contains(err.Error(), `task "main"`) || !strings.Contains(err.Error(), "Godot") {
		t.Errorf("%q does not say who waits for what", err)
	}
}

func TestManyTasksAreForgotten(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		const n = 20_000
		run(t, l, func(task *corolla.Task) error {
			var gate corolla.Event
			all := make([]*corolla.Future[struct{}], n)
			for i := range all {
				all[i] = l.Go(gate.Wait)
			}
			if err := task.Sleep(ms); err != nil {
				return err
			}
			if got := len(l.Tasks()); got != n+1 {
				t.Errorf("%d tasks live, want %d", got, n+1)
			}
			gate.Set()
			_, err := corolla.All(l, all...).Await(task)
			return err
		})
		if got := len(l.Tasks()); got != 0 {
			t.Errorf("%d tasks are left", got)
		}
	})
}

func TestLoopHoldsItsTasks(t *testing.T) { // differences 2
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ended := false
		run(t, l, func(task *corolla.Task) error {
			var gate corolla.Event
			l.Go(func(task *corolla.Task) error { err := gate.Wait(task); ended = true; return err }) // nobody refers to it
			if err := task.Yield(); err != nil {
				return err
			}
			runtime.GC()
			runtime.GC()
			gate.Set()
			return turns(task, 2)
		})
		if !ended {
			t.Error("a task that nobody refers to has vanished")
		}
	})
}

func tick() {}

// bare is what was registered, without its place.
func bare(call string) string {
	name, _, _ := strings.Cut(call, " (")
	return strings.TrimPrefix(name, "corolla_test.")
}

func TestTimersAreListedNextFirst(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		stopped := l.After(time.Minute, tick)
		last := l.At(l.Now()+3*time.Hour, tick)
		second := l.At(last.When(), tick)
		stopped.Stop()
		run(t, l, func(task *corolla.Task) error {
			sleeper := l.Go(func(task *corolla.Task) error { return task.Sleep(time.Hour) }).Task()
			return task.Timeout(2*time.Hour, func(*corolla.Scope) error {
				if err := task.Yield(); err != nil {
					return err
				}
				timers := l.Timers()
				if len(timers) != 4 || l.Stats().Timers != 4 {
					t.Fatalf("%+v; %+v", timers, l.Stats())
				}
				for i, want := range []corolla.TimerInfo{
					{Task: sleeper, What: "a sleep"}, {Task: task, What: "a deadline"}, {What: "tick"}, {What: "tick"},
				} {
					got := timers[i]
					if got.Task != want.Task || bare(got.What) != want.What {
						t.Errorf("timer %d is %+v, want %+v", i, got, want)
					}
				}
				if timers[2].When != last.When() || timers[0].When >= timers[1].When {
					t.Errorf("%+v", timers)
				}
				last.Stop()
				second.Stop()
				if n := len(l.Timers()); n != 2 {
					t.Errorf("%d timers are left", n)
				}
				return nil
			})
		})
	})
}

func TestSocketsAreListedWithWhoWaits(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		if n := len(l.Sockets()); n != 0 {
			t.Errorf("%d sockets on a new loop", n)
		}
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		a, b := socketPair(t, l)
		defer closeAll(t, ln, a, b)
		out := new(corolla.Outbox)
		out.Init(a, func(err error) { t.Error(err) })
		out.SetMarks(0, 0)
		run(t, l, func(task *corolla.Task) error {
			reader := l.Go(a.WaitReadable).Task()
			b.OnReadable(tick)
			out.Cork()
			put(t, out, 7)
			out.Uncork() // what the system does not take at once waits
			for out.Len() == 0 {
				put(t, out, 1<<20)
			}
			writer := l.Go(out.Wait).Task()
			if err := task.Yield(); err != nil {
				return err
			}
			b.OnReadable(nil)
			b.OnWritable(tick)
			sockets := map[*corolla.Socket]corolla.SocketInfo{}
			infos := l.Sockets()
			for _, i := range infos {
				sockets[i.Socket] = i
			}
			if len(infos) != 3 || !slices.IsSortedFunc(infos, func(a, b corolla.SocketInfo) int { return a.FD - b.FD }) {
				t.Fatalf("%+v", infos)
			}
			if i := sockets[ln]; i.Local.String() != ln.LocalAddr().String() || i.Peer != nil || i.Unsent != 0 ||
				i.Reader != nil || i.Writer != nil || i.OnReadable != "" || i.OnWritable != "" {
				t.Errorf("the listener: %+v", i)
			}
			if i := sockets[a]; i.FD != a.FD() || i.Unsent != out.Len() || i.Reader != reader || i.Writer != writer ||
				i.OnReadable != "" || bare(i.OnWritable) != "corolla.(*Outbox).advance-fm" || i.Peer.String() != b.LocalAddr().String() {
				t.Errorf("the writer: %+v; %d to be sent", i, out.Len())
			}
			if i := sockets[b]; i.Unsent != 0 || i.Reader != nil || i.Writer != nil || i.OnReadable != "" || bare(i.OnWritable) != "tick" {
				t.Errorf("the reader: %+v", i)
			}
			b.OnWritable(nil)
			out.Drop()
			reader.Cancel(nil)
			return nil
		})
	})
}

func TestWatchedDescriptorsAreListed(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, c := range []struct {
		fd   uintptr
		want corolla.Interest
		text string
	}{
		{r.Fd(), corolla.Readable, "tick/"},
		{w.Fd(), corolla.Writable, "/tick"},
		{w.Fd(), corolla.Readable | corolla.Writable, "tick/tick"},
	} {
		watch, err := l.Watch(c.fd, c.want, tick)
		if err != nil {
			t.Fatal(err)
		}
		infos := l.Sockets()
		if err := watch.Stop(); err != nil {
			t.Error(err)
		}
		if len(infos) != 1 || infos[0].Socket != nil || infos[0].FD != int(c.fd) ||
			bare(infos[0].OnReadable)+"/"+bare(infos[0].OnWritable) != c.text {
			t.Errorf("want %s: %+v", c.text, infos)
		}
	}
}

func TestWorkersAreListedByName(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			if n := len(l.AllWorkers()); n != 0 {
				t.Errorf("%d workers on a new loop", n)
			}
			l.Workers("zip").SetLimit(1)
			var jobs []*corolla.Future[int]
			for range 3 {
				jobs = append(jobs, corolla.OffloadTo(l.Workers("zip"), func(context.Context) (int, error) { return 1, nil }))
			}
			l.Workers("")
			got := fmt.Sprint(l.AllWorkers())
			if want := "[{ {64 0 0}} {zip {1 1 2}}]"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			_, err := corolla.All(l, jobs...).Await(task)
			return err
		})
	})
}

// outer and inner are calls for a stack.
//
//go:noinline
func outer(task *corolla.Task, wait func(*corolla.Task) error) error {
	err := inner(task, wait)
	return errors.Join(err)
}

//go:noinline
func inner(task *corolla.Task, wait func(*corolla.Task) error) error {
	err := wait(task)
	return errors.Join(err)
}

// stackOf returns the test's own functions on a task's stack.
func stackOf(task *corolla.Task) string {
	var names []string
	for _, f := range task.Info().Stack() {
		if _, name, ok := strings.Cut(f.Function, "corolla_test."); ok && f.Line > 0 && strings.HasSuffix(f.File, "_test.go") {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func TestStackShowsWhereATaskIs(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			parked := l.Go(func(o *corolla.Task) error {
				return outer(o, func(o *corolla.Task) error { return o.Park("the test") })
			})
			if s := stackOf(parked.Task()); s != "" {
				t.Errorf("before its first step: %s", s)
			}
			ready := l.Go(func(o *corolla.Task) error { return inner(o, (*corolla.Task).Yield) })
			if err := task.Yield(); err != nil {
				return err
			}
			const f = "TestStackShowsWhereATaskIs.func1.1"
			for range 3 { // each look leaves the task as it was
				if s := stackOf(parked.Task()); s != f+".1.1 inner outer "+f+".1" {
					t.Errorf("parked: %s", s)
				}
			}
			if i := parked.Task().Info(); i.On != "the test" {
				t.Errorf("after a look it is parked on %q", i.On)
			}
			if s := stackOf(ready.Task()); s != "inner "+f+".2" {
				t.Errorf("ready: %s", s)
			}
			var own string
			_ = outer(task, func(task *corolla.Task) error { own = stackOf(task); return nil })
			if want := "stackOf " + f + ".3 inner outer " + f; own != want {
				t.Errorf("running: %s, want %s", own, want)
			}
			var within string
			l.Go(func(*corolla.Task) error { within = stackOf(task); return nil }, corolla.Eager())
			if within != "" {
				t.Errorf("of a task that runs another: %s", within)
			}
			if _, err := ready.Await(task); err != nil {
				return err
			}
			parked.Task().Unpark()
			if _, err := parked.Await(task); err != nil {
				return err
			}
			if s := stackOf(parked.Task()); s != "" {
				t.Errorf("after its end: %s", s)
			}
			return nil
		})
	})
}

// A deep stack is cut, on the outside.
func TestStackIsCut(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			deep := l.Go(func(o *corolla.Task) error {
				wait := (*corolla.Task).Yield
				for range 100 {
					within := wait
					wait = func(o *corolla.Task) error { return inner(o, within) }
				}
				return wait(o)
			})
			if err := task.Yield(); err != nil {
				return err
			}
			if s := stackOf(deep.Task()); len(strings.Fields(s)) < 30 || len(deep.Task().Info().Stack()) > 64 ||
				!strings.HasPrefix(s, "inner ") {
				t.Errorf("%d calls: %s", len(deep.Task().Info().Stack()), s)
			}
			return nil
		})
	})
}

// A task that waits in a generator shows the generator.
func TestStackOfAWaitInAGenerator(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(o *corolla.Task) error {
				next, stop := corolla.Pull(func(yield func(int) bool) {
					if err := inner(o, func(o *corolla.Task) error { return o.Park("the test") }); err == nil {
						yield(1)
					}
				})
				defer stop()
				if v, ok := next(); !ok || v != 1 {
					t.Errorf("the generator gave %d, %v", v, ok)
				}
				return nil
			})
			if err := task.Yield(); err != nil {
				return err
			}
			if s := stackOf(f.Task()); !strings.Contains(s, "inner ") {
				t.Errorf("%s", s)
			}
			f.Task().Unpark()
			_, err := f.Await(task)
			return err
		})
	})
}

type place string

func (p place) String() string { return string(p) }

func TestInfoSaysWhatATaskIsFor(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			f := l.Go((*corolla.Task).Yield, corolla.Describe(tick, place("the sea")), corolla.Name("sailor"))
			i := f.Task().Info()
			if i.About != place("the sea") || i.Name != "sailor" || bare(i.Started) != "tick" || i.On != "" || i.Task != f.Task() {
				t.Errorf("%+v", i)
			}
			if i := task.Info(); i.About != nil || i.Name != "main" {
				t.Errorf("%+v", i)
			}
			return nil
		})
	})
}
