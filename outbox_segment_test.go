package corolla_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// obliged runs test with an outbox of a socket that takes all that it is given.
func obliged(t *testing.T, test func(task *corolla.Task, out *corolla.Outbox, w *corolla.Socket)) {
	t.Helper()
	l := sim.New(1).NewLoop(corolla.SlowLimit(0), hosttest.Between(func(h host.Host) host.Host { return obliging{h} }))
	r, w, err := l.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var out corolla.Outbox
	out.Init(w, func(err error) { t.Errorf("sending failed: %v", err) })
	run(t, l, func(task *corolla.Task) error {
		test(task, &out, w)
		return nil
	})
	closeAll(t, r, w)
	leaktest.Close(t, l)
}

// What has to wait is kept in memory that was used before.
func TestWritesThatWaitAllocateNothing(t *testing.T) {
	obliged(t, func(task *corolla.Task, out *corolla.Outbox, w *corolla.Socket) {
		b := make([]byte, 10_000)
		corked := func() {
			out.Cork()
			for range 50 {
				if err := out.Write(b); err != nil {
					t.Error(err)
				}
			}
		}
		for name, write := range map[string]func(){
			"the second of a turn": func() {
				_, _ = out.Write(b), out.Write(b)
				if out.Len() != len(b) {
					t.Errorf("%d bytes wait", out.Len())
				}
				if err := task.Yield(); err != nil {
					t.Error(err)
				}
			},
			"many that are corked":  func() { corked(); out.Uncork() },
			"many that are dropped": func() { corked(); out.Drop(); out.Init(w, nil) },
		} {
			if n := testing.AllocsPerRun(100, write); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
			if out.Len() != 0 {
				t.Errorf("%s: %d bytes are left", name, out.Len())
			}
		}
	})
}

// An outbox that is empty holds no memory, and its loop does not hold it either.
func TestOutboxLetsGoOfWhatItHasSent(t *testing.T) {
	const size = 1 << 20
	obliged(t, func(_ *corolla.Task, out *corolla.Outbox, _ *corolla.Socket) {
		before := memory()
		for range 10 {
			out.Cork()
			for range 2 { // which leave in one call
				if err := out.Write(make([]byte, size)); err != nil {
					t.Error(err)
				}
			}
			out.Uncork()
		}
		out.Cork()
		for range 70 {
			if err := out.Write(make([]byte, size)); err != nil {
				t.Error(err)
			}
		}
		for out.Uncork(); out.Len() > 0; {
			out.TrySend()
		}
		if after := memory(); after > before+5*size {
			t.Errorf("%d MiB are held", (after-before)>>20)
		}
		runtime.KeepAlive(out)
	})
}

// Whatever is written, in pieces of all sizes and between the turns of others, leaves in the order in
// which it was written, however little the system takes at a time.
func TestSegmentsLeaveInOrder(t *testing.T) {
	for _, buffer := range []int{20_000, 10 << 20} {
		boxed(t, buffer, func(l *corolla.Loop, out *corolla.Outbox, a, b *corolla.Socket) {
			var want []byte
			write := func(n int) {
				piece := bytes.Repeat([]byte{byte(len(want) >> 4)}, n)
				want = append(want, piece...)
				if err := out.Write(piece); err != nil {
					t.Error(err)
				}
			}
			run(t, l, func(task *corolla.Task) error {
				for range 2 {
					for i := range 70 { // more than leave in one call
						write(i)
						write(16<<10 + i)
					}
					mine := []byte("somebody else's")
					want = append(want, mine...)
					out.Lend(func(back func()) {
						var send func()
						send = func() {
							n, err := a.TryWrite(mine)
							if mine = mine[n:]; len(mine) == 0 {
								back()
								return
							}
							if err == nil || err == corolla.ErrWouldBlock {
								err = a.OnceWritable(send)
							}
							if err != nil {
								t.Error(err)
							}
						}
						send()
					}, func(err error) { t.Errorf("lost: %v", err) })
				}
				got, err := readN(task, b, len(want))
				if !bytes.Equal(got, want) {
					t.Errorf("received %d bytes that are not those written", len(got))
				}
				return err
			})
		})
	}
}
