package asyncio

import "github.com/corolla-go/corolla/conformance/scenario"

func loopBatch(r *scenario.Run) {
	l := r.Loop()
	l.Soon(func() {
		r.Say("a")
		l.Soon(func() {
			r.Say("added by a")
			l.Stop()
		})
	})
	l.Soon(func() { r.Say("b") })
	_ = l.RunForever()
	r.Say("stopped")
}
