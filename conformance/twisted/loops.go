package twisted

import (
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
)

func stopTwice(r *scenario.Run) {
	l := r.Loop()
	stop := func() error { l.Stop(); return nil }
	l.Soon(func() {
		r.Say("running")
		attempt(r, "stop", stop)
		attempt(r, "stop again", stop)
		r.Say("body ends")
	})
	_ = l.RunForever()
	r.Say("stopped")
	l.Soon(func() {
		r.Say("running again")
		l.Stop()
	})
	attempt(r, "run again", l.RunForever)
}

func shutdownTriggers(r *scenario.Run) {
	l := r.Loop()
	_ = l.Run(func(*corolla.Task) error {
		l.OnClose(func() { r.Say("trigger") })
		remove := l.OnClose(func() { r.Say("removed trigger") })
		remove()
		r.Say("body ends")
		return nil
	})
	_ = l.Close()
	r.Say("the loop has ended")
}

func callWhenRunning(r *scenario.Run) {
	l := r.Loop()
	l.Soon(func() { r.Say("first") })
	l.Soon(func() { r.Say("second") })
	l.After(10*ms, func() {
		r.Say("stop")
		l.Stop()
		r.Say("stop returned")
	})
	l.After(20*ms, func() { r.Say("never") })
	r.Say("before run")
	_ = l.RunForever()
	r.Say("stopped")
}

func callFromThread(r *scenario.Run) {
	l := r.Loop(logs(r))
	_ = l.Run(func(t *corolla.Task) error {
		_ = l.Post(func() {
			r.Say("first")
			_ = l.Post(func() { r.Say("added by first") })
		})
		_ = l.Post(func() {
			r.Say("raises")
			panic(errBoom)
		})
		_ = l.Post(func() { r.Say("third") })
		r.Say("asked")
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
}

func deferToThread(r *scenario.Run) {
	said := make(chan struct{})
	r.Main(func(t *corolla.Task) error {
		d := deferred.FromFuture(corolla.Offload(t.Loop(), func() (string, error) {
			<-said
			return "worked", nil
		}))
		r.Say("meanwhile")
		close(said)
		_, _ = d.AddBoth(end[string](r, "work")).Await(t)
		bad := corolla.Offload(t.Loop(), func() (string, error) { return "", errBoom })
		_, _ = deferred.FromFuture(bad).AddBoth(end[string](r, "bad")).Await(t)
		return nil
	})
}

// a receiver is told of datagrams.
type receiver struct {
	r       *scenario.Run
	arrived corolla.Event
}

func (p *receiver) Opened(*transport.PacketConn)        {}
func (p *receiver) Failed(*transport.PacketConn, error) {}
func (p *receiver) Closed(*transport.PacketConn)        {}

func (p *receiver) Packet(_ *transport.PacketConn, b []byte, _ net.Addr) {
	p.r.Say("got %d bytes", len(b))
	p.arrived.Set()
	if string(b) == "bad" {
		panic(errBoom)
	}
}

func datagrams(r *scenario.Run) {
	l := r.Loop(logs(r))
	_ = l.Run(func(t *corolla.Task) error {
		p := &receiver{r: r}
		ours, err := transport.ListenPacket(l, "udp", "127.0.0.1:0", p)
		if err != nil {
			return err
		}
		theirs, err := transport.ListenPacket(l, "udp", "127.0.0.1:0", &receiver{r: r})
		if err != nil {
			return err
		}
		for _, data := range []string{"one", "", "bad", string(make([]byte, 8192)), string(make([]byte, 8193))} {
			p.arrived.Clear()
			_ = theirs.Write([]byte(data), ours.LocalAddr())
			_ = p.arrived.Wait(t)
		}
		ours.Close()
		theirs.Close()
		return nil
	})
}
