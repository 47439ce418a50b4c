package hosttest

import (
	"io"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// What arrives while a descriptor belongs to nobody is reported when it is watched again.
func givenDescriptorIsSilent(h *harness) {
	a, b := h.pair()
	h.must(h.Host.Unwatch(b))
	p, err := h.Host.Give(b)
	h.must(err)
	h.write(a, "hello")
	if n := h.wait(h.Host.Now() + 5*time.Millisecond); n != 0 {
		for _, ev := range h.buf[:n] {
			if ev.FD == b {
				h.Errorf("%v was reported of a descriptor that was given away", ev.Ready)
			}
		}
	}
	c, err := h.Host.Take(p)
	h.must(err)
	h.watch(c, both)
	h.await(c, host.Readable)
	if got := h.read(c, 5); got != "hello" {
		h.Errorf("read %q", got)
	}
}

func droppedParcelIsClosed(h *harness) {
	a, b := h.pair()
	h.must(h.Host.Unwatch(b))
	p, err := h.Host.Give(b)
	h.must(err)
	delete(h.open, b)
	h.must(p.Drop())
	h.await(a, host.Hangup)
	if got, err := h.readEnd(a); got != "" || err != io.EOF {
		h.Errorf("the peer read %q, %v", got, err)
	}
}
