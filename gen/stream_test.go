package gen_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// connected returns both ends of a connection.
func connected(t *testing.T, task *corolla.Task) (a, b *corolla.Socket) {
	t.Helper()
	l := task.Loop()
	ln, err := l.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = l.Dial("tcp", ln.LocalAddr().String()).Await(task); err != nil {
		t.Fatal(err)
	}
	for b == nil {
		if b, err = ln.TryAccept(); err == corolla.ErrWouldBlock {
			err = ln.WaitReadable(task)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

// watched runs calls of step in a generator, and returns the most that were made in one turn of
// the loop.
func watched(t *testing.T, task *corolla.Task, calls int, step func(y *co) error) (most int) {
	t.Helper()
	l := task.Loop()
	made, over := 0, false
	var tick func()
	tick = func() {
		if most, made = max(most, made), 0; !over {
			l.Soon(tick)
		}
	}
	l.Soon(tick)
	_, err := gen.Go(l, func(y *co) (int, error) {
		defer func() { over = true }()
		for range calls {
			if err := step(y); err != nil {
				return 0, err
			}
			made++
		}
		return 0, nil
	}).Await(task)
	if err != nil {
		t.Fatal(err)
	}
	begun(t, task) // the last tick
	return max(most, made)
}

// TestGeneratorThatNeverWaitsLetsOthersRun: by count on a simulated loop, and on a real one at the
// least that.
func TestGeneratorThatNeverWaitsLetsOthersRun(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		const calls = 500
		a, b := connected(t, task)
		one, all := make([]byte, 1), make([]byte, 4*calls)
		if n, err := a.TryWrite(all); n != len(all) {
			t.Fatalf("wrote %d, %v", n, err)
		}
		if err := b.WaitReadable(task); err != nil {
			t.Fatal(err)
		}
		read := func(y *co) error { _, err := gen.Read(y, b, one); return err }
		write := func(y *co) error { _, err := gen.Write(y, b, one); return err }
		for name, step := range map[string]func(y *co) error{
			"reads":  read,
			"writes": write,
			"both":   func(y *co) error { return errors.Join(read(y), write(y)) },
			"reads of a part": func(y *co) error {
				return gen.FromSource(y, gen.New(func(y *co) (int, error) { return 0, read(y) }))
			},
		} {
			most, want := watched(t, task, calls, step), 64
			if name == "both" {
				want = 32
			}
			if most > want || task.Loop().Simulated() && most < want {
				t.Errorf("%s: %d in one turn, want %d", name, most, want)
			}
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestGeneratorThatIsSlowLetsOthersRun: after two calls between which the turn's time has run out.
func TestGeneratorThatIsSlowLetsOthersRun(t *testing.T) {
	for _, c := range []struct {
		budget time.Duration
		want   int
	}{{time.Microsecond, 2}, {time.Hour, 64}} {
		l, err := corolla.New(corolla.SlowLimit(0), corolla.TurnBudget(c.budget))
		leaktest.NeedLoop(t, err)
		if err := l.Run(func(task *corolla.Task) error {
			const calls = 200
			a, b := connected(t, task)
			if n, err := a.TryWrite(make([]byte, calls)); n != calls {
				t.Fatalf("wrote %d, %v", n, err)
			}
			if err := b.WaitReadable(task); err != nil {
				return err
			}
			one := make([]byte, 1)
			most := watched(t, task, calls, func(y *co) error {
				for c.budget < time.Hour && !l.Overdue() { // work
				}
				_, err := gen.Read(y, b, one)
				return err
			})
			if most != c.want {
				t.Errorf("%d reads in one turn with a budget of %v, want %d", most, c.budget, c.want)
			}
			return errors.Join(a.Close(), b.Close())
		}); err != nil {
			t.Error(err)
		}
		leaktest.Close(t, l)
	}
}

// TestTurnThatIsDueIsCanceled: what was read before is given to the caller, and the cancel
// comes with the next call.
func TestTurnThatIsDueIsCanceled(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		a, b := connected(t, task)
		for name, call := range map[string]func(y *co) (int, error){
			"Read":  func(y *co) (int, error) { return gen.Read(y, b, make([]byte, 1)) },
			"Write": func(y *co) (int, error) { return gen.Write(y, b, make([]byte, 1)) },
		} {
			if _, err := a.TryWrite(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if err := b.WaitReadable(task); err != nil {
				t.Fatal(err)
			}
			var self *corolla.Future[int]
			self = gen.Go(task.Loop(), func(y *co) (total int, err error) {
				self.Cancel(errBad)
				for {
					n, err := call(y)
					if total += n; err != nil {
						if n != 0 || err != gen.ErrExit || total > 64 || total == 0 {
							t.Errorf("%s: %d and %v after %d bytes", name, n, err, total)
						}
						return total, err
					}
				}
			})
			if _, err := self.Await(task); !errors.Is(err, errBad) {
				t.Errorf("%s: Await = %v", name, err)
			}
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestGeneratorsAndSockets(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		var server *corolla.Socket
		reader := gen.Go(l, func(y *co) (n int, err error) {
			for server == nil && err == nil {
				if server, err = ln.TryAccept(); err == corolla.ErrWouldBlock {
					_, err = y.Yield(gen.Readable(ln))
				}
			}
			if err == nil {
				n, err = gen.Read(y, server, make([]byte, 16))
			}
			return n, err
		})
		client, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		sender := gen.Go(l, func(y *co) (int, error) { return gen.Write(y, client, []byte("hello")) })
		if n, err := sender.Await(task); n != 5 || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
		n, err := reader.Await(task)
		if n == 0 || err != nil {
			t.Errorf("Read = %d, %v", n, err)
		}
		// A second one that wants to read is refused; closing wakes the first.
		read := func(y *co) (int, error) { return gen.Read(y, client, make([]byte, 1)) }
		first, second := gen.Go(l, read), gen.Go(l, read)
		if _, err := second.Await(task); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("a second reader: %v", err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if _, err := first.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a reader of a closed socket: %v", err)
		}
		end := gen.Go(l, func(y *co) (int, error) {
			for {
				m, err := gen.Read(y, server, make([]byte, 16))
				if n += m; err != nil {
					return 0, err
				}
			}
		})
		if _, err := end.Await(task); err != io.EOF || n != 5 {
			t.Errorf("at the end: %v, after %d bytes", err, n)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}
