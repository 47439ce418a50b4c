package host_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// A loop that always has something to compute only looks, never waits, and uses no descriptor of
// its own meanwhile. What arrives must reach it all the same.
func TestBusyLoopGoesOnLooking(t *testing.T) {
	h, err := host.New()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(p[0])
	defer syscall.Close(p[1])
	if err := h.Watch(host.FD(p[0]), host.Read|host.Edge); err != nil {
		t.Fatal(err)
	}
	events := make([]host.Event, host.MaxEvents)
	look := func() int {
		n, err := h.Wait(events, h.Now())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 3 {
		for range 3 {
			if n := look(); n != 0 {
				t.Fatalf("%d events of an empty pipe", n)
			}
		}
		if _, err := syscall.Write(p[1], []byte("x")); err != nil { // behind the host's back
			t.Fatal(err)
		}
		for limit := h.Now() + time.Minute; look() == 0; {
			if h.Now() > limit {
				t.Fatal("what has arrived is not reported")
			}
		}
		if events[0].FD != host.FD(p[0]) || events[0].Ready&host.Readable == 0 {
			t.Errorf("reported %+v", events[0])
		}
	}
}
