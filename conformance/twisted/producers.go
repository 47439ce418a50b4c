package twisted

import (
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

// pusher is a push producer that says what it is told.
type pusher struct {
	r    *scenario.Run
	name string
}

func (p pusher) say(what string) { p.r.Say("%s", strings.TrimSpace(what+" "+p.name)) }
func (p pusher) Pause()          { p.say("pause") }
func (p pusher) Resume()         { p.say("resume") }
func (p pusher) Stop()           { p.say("stop") }

// puller is a pull producer of chunks.
type puller struct {
	*recorder
	chunks []string
}

func (p *puller) Resume() {
	chunk := p.chunks[0]
	p.chunks = p.chunks[1:]
	p.r.Say("asked for %s", strings.TrimSpace(chunk))
	_ = p.Write([]byte(chunk))
	if len(p.chunks) == 0 {
		p.UnregisterProducer()
	}
}

func (p *puller) Stop() { p.r.Say("stop") }

func closeWaitsPush(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		_ = server.RegisterProducer(pusher{r: r})
		_ = server.Write([]byte("one "))
		server.Close()
		r.Say("closed")
		_ = t.Sleep(10 * ms)
		_ = server.Write([]byte("two"))
		server.UnregisterProducer()
		r.Say("unregistered")
		_ = t.Sleep(10 * ms)
		client.sayAll()
	})
}

func closeWaitsPull(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		_ = server.RegisterPullProducer(&puller{server, []string{"one ", "two ", "three"}})
		r.Say("registered")
		server.Close()
		_ = client.ended.Wait(t)
		r.Say("client got %d bytes", client.got)
	})
}

func pushProducer(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		client.PauseReading()
		_ = server.RegisterProducer(pusher{r: r})
		r.Say("write")
		_ = server.Write(make([]byte, much))
		r.Say("written")
		_ = t.Sleep(10 * ms)
		r.Say("client reads")
		client.ResumeReading()
		_ = t.Sleep(10 * ms)
		server.UnregisterProducer()
		server.Close()
		_ = client.ended.Wait(t)
		r.Say("client got %d bytes", client.got)
	})
}

func pushThreshold(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		_ = server.RegisterProducer(pusher{r: r})
		for _, size := range []int{65536, 65537} {
			r.Say("write %d", size)
			_ = server.Write(make([]byte, size))
			r.Say("written")
			_ = t.Sleep(10 * ms)
		}
		server.UnregisterProducer()
		server.Close()
		_ = client.ended.Wait(t)
		r.Say("client got %d bytes", client.got)
	})
}

func producerRegister(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		for _, name := range []string{"first", "second"} {
			attempt(r, name, func() error { return server.RegisterProducer(pusher{r, name}) })
		}
		client.Close()
		_ = t.Sleep(10 * ms)
		attempt(r, "late", func() error { return server.RegisterProducer(pusher{r, "late"}) })
	})
}
