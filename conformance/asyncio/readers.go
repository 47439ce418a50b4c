package asyncio

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func loopOrder(r *scenario.Run) {
	l := r.Loop()
	ours, theirs, err := l.Pipe()
	if err != nil {
		r.Say("%v", err)
		return
	}
	ours.OnReadable(func() {
		b := make([]byte, 1)
		_, _ = ours.TryRead(b)
		r.Say("socket: %s", b)
		l.Stop()
	})
	l.Soon(func() {
		_, _ = theirs.TryWrite([]byte("x"))
		l.After(0, func() { r.Say("timer") })
		l.After(1000*ms, func() { r.Say("never") })
		l.Soon(func() { r.Say("ready") })
	})
	_ = l.RunForever()
}

func loopReaderReplaced(r *scenario.Run) {
	l := r.Loop()
	ours, theirs, err := l.Pipe()
	if err != nil {
		r.Say("%v", err)
		return
	}
	_, _ = theirs.TryWrite([]byte("x"))
	l.Soon(func() {
		r.Say("replace")
		ours.OnReadable(func() { r.Say("second") })
		l.Soon(func() {
			r.Say("remove")
			ours.OnReadable(nil)
			l.After(10*ms, func() { r.Say("end"); l.Stop() })
		})
	})
	ours.OnReadable(func() { r.Say("first") })
	_ = l.RunForever()
}

func loopReaderLevel(r *scenario.Run) {
	l := r.Loop()
	ours, theirs, err := l.Pipe()
	if err != nil {
		r.Say("%v", err)
		return
	}
	ours.OnReadable(func() {
		b := make([]byte, 1)
		switch _, err := ours.TryRead(b); err {
		case nil:
			r.Say("read %s", b)
			return
		case corolla.ErrWouldBlock:
			r.Say("nothing to read")
			return
		}
		r.Say("read the end")
		ours.OnReadable(nil)
		l.After(10*ms, func() { r.Say("stop"); l.Stop() })
	})
	send := func(s string) func() { return func() { _, _ = theirs.TryWrite([]byte(s)) } }
	l.Soon(send("abc"))
	l.After(10*ms, send("d"))
	l.After(20*ms, func() { _ = theirs.Close() })
	_ = l.RunForever()
}
