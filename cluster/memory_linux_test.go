package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go/jetstream"
)

// memory is what the process has: what the collector found alive last, what Go has from the system, and what of
// the process is resident.
type memory struct{ live, mapped, resident uint64 }

func (m memory) String() string {
	const mb = 1 << 20
	return fmt.Sprintf("live %d MB, from the system %d MB, resident %d MB", m.live/mb, m.mapped/mb, m.resident/mb)
}

func readMemory(t *testing.T) memory {
	t.Helper()
	runtime.GC()
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	status := must(os.ReadFile("/proc/self/status"))(t)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kb uint64
	must(fmt.Sscan(rest, &kb))(t)
	return memory{s[0].Value.Uint64(), s[1].Value.Uint64() - s[2].Value.Uint64(), kb << 10}
}

// memoryRun sends messages through a stream with limits, one of each subject at a time.
type memoryRun struct {
	task      *corolla.Task
	stream    *cluster.Stream
	presences []*cluster.Presence
	sent, got int
	inWork    int
}

const (
	memorySubjects = 200
	memoryLimit    = 10_000 // messages that the stream keeps
)

// newMemoryRun publishes at the first of some nodes and reads at the last. Members are present at all.
func newMemoryRun(t *testing.T, task *corolla.Task, nodes ...*cluster.Conn) *memoryRun {
	t.Helper()
	r := &memoryRun{task: task}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, MaxMsgs: memoryLimit, Duplicates: 10 * time.Second}
	r.stream = must(nodes[0].Stream(cfg).Await(task))(t)
	must(nodes[len(nodes)-1].Stream(cfg).Await(task))(t).Follow(0).OnMessage(func(*cluster.Delivery) { r.got++ })
	for _, c := range nodes {
		r.presences = append(r.presences, must(c.Presence("P", 20*time.Second).Await(task))(t))
	}
	return r
}

// send publishes n messages, and waits until all were read.
func (r *memoryRun) send(t *testing.T, n int) {
	t.Helper()
	data := make([]byte, 200)
	for end := r.sent + n; r.got < end; {
		for r.inWork < memorySubjects && r.sent < end {
			r.sent++
			r.inWork++
			r.stream.Publish(fmt.Sprintf("s.%d", r.sent%memorySubjects), data).OnDone(func(f *corolla.Future[cluster.Ack]) {
				r.inWork--
				if _, err := f.Result(); err != nil && !errors.Is(err, cluster.ErrClosed) {
					t.Error(err)
				}
			})
			if r.sent%1000 == 0 {
				for _, p := range r.presences {
					must(0, p.Enter(fmt.Sprintf("m%d", r.sent/1000%100), fmt.Append(nil, r.sent)))(t)
				}
			}
		}
		must(0, r.task.Yield())(t)
	}
}

// TestMemoryStaysFlat publishes and reads a stream with limits, for as many messages as COROLLA_CLUSTER_MEMORY says,
// while who is present changes, in a process with one node and in one with three. It shows how much memory there is
// at equal intervals. What is alive must not grow in the second half; what is resident the collector and the kernel
// have a say in.
func TestMemoryStaysFlat(t *testing.T) {
	messages := 0
	if _, err := fmt.Sscan(os.Getenv("COROLLA_CLUSTER_MEMORY"), &messages); err != nil {
		t.Skip("COROLLA_CLUSTER_MEMORY does not say how many messages")
	}
	t.Run("one node", func(t *testing.T) {
		onLoopFor(t, 12*time.Hour, func(t *testing.T, task *corolla.Task, _ *[]error) {
			c := embed(t, task, cluster.Store(t.TempDir()), cluster.ServerOptions(quickly))
			newMemoryRun(t, task, c).measure(t, messages)
			closed(t, task, c)
		})
	})
	t.Run("three nodes", func(t *testing.T) {
		onLoopFor(t, 12*time.Hour, func(t *testing.T, task *corolla.Task, _ *[]error) {
			three := newThree(t, task)
			newMemoryRun(t, task, three.nodes[:]...).measure(t, messages)
			for _, n := range three.nodes {
				closed(t, task, n)
			}
		})
	})
}

func (r *memoryRun) measure(t *testing.T, messages int) {
	t.Helper()
	const intervals = 20
	var most [2]uint64 // alive, in each half
	for i := range intervals {
		r.send(t, messages/intervals)
		m := readMemory(t)
		most[2*i/intervals] = max(most[2*i/intervals], m.live)
		t.Logf("%9d messages, %4.0f s: %v", r.sent, r.task.Loop().Now().Seconds(), m)
	}
	if most[1] > most[0]*3/2+16<<20 {
		t.Errorf("%d bytes alive in the first half, and %d in the second", most[0], most[1])
	}
}
