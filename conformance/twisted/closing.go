package twisted

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/transport"
)

func closeFlushes(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		client.PauseReading()
		_ = server.Write(make([]byte, 300000))
		server.Close()
		_ = server.Write([]byte("AFTER"))
		r.Say("closed")
		client.ResumeReading()
		_ = client.ended.Wait(t)
		r.Say("client got %d bytes", client.got)
	})
}

func closeStopsReading(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		_ = client.Write([]byte("before"))
		_ = t.Sleep(10 * ms)
		client.PauseReading()
		_ = server.Write(make([]byte, much))
		server.Close()
		server.Close()
		r.Say("closed")
		_ = client.Write([]byte("after"))
		_ = t.Sleep(10 * ms)
		r.Say("client reads")
		client.ResumeReading()
		_ = client.ended.Wait(t)
		_ = server.ended.Wait(t)
		r.Say("client got %d bytes", client.got)
	})
}

func closeReasons(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		closed := func(network, address, how string, act func(server, client *recorder)) {
			server, client := quiet(r, "server"), quiet(r, "client")
			connectBy(t, network, address, server, client)
			r.Say("%s", how)
			act(server, client)
			server.tell("call returned")
			_ = server.ended.Wait(t)
			_ = client.ended.Wait(t)
			server.sayAll()
			if how != "server raises" {
				client.sayAll()
			}
		}
		closed("unix", newAddress(), "server closes", func(server, _ *recorder) { server.Close() })
		closed("unix", newAddress(), "client closes", func(_, client *recorder) { client.Close() })
		closed("tcp", "127.0.0.1:0", "server aborts", func(server, _ *recorder) {
			server.Abort()
			server.Abort()
		})
		closed("unix", newAddress(), "server raises", func(server, client *recorder) {
			server.data = func() { panic(errBoom) }
			_ = client.Write([]byte("data"))
		})
		return nil
	})
}

func peerFin(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		server, client := loud(r, "server"), quiet(r, "client")
		connect(t, server, client)
		_ = client.Write([]byte("last words"))
		client.CloseWrite()
		_ = t.Sleep(10 * ms)
		_ = server.Write([]byte("too late"))
		_ = t.Sleep(10 * ms)
		client.sayAll()
		return nil
	})
}

func peerFinUnsent(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		client.PauseReading()
		_ = server.Write(make([]byte, much))
		_ = t.Sleep(10 * ms)
		client.CloseWrite()
		_ = t.Sleep(10 * ms)
		r.Say("client reads")
		client.ResumeReading()
		_ = client.ended.Wait(t)
		_ = t.Sleep(10 * ms)
		r.Say("client got all: %s", yes(client.got == much))
	})
}

func halfClose(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		server, client := quiet(r, "server"), quiet(r, "client")
		answer := func() {
			_ = server.Write([]byte("bye"))
			server.Close()
		}
		connect(t, half{server, answer}, half{client, func() { client.Close() }})
		_ = client.Write([]byte("request"))
		client.CloseWrite()
		_ = t.Sleep(10 * ms)
		server.sayAll()
		client.sayAll()
		return nil
	})
}

func writeAfterLost(r *scenario.Run) {
	connected(r, func(t *corolla.Task, server, client *recorder) {
		client.Close()
		_ = t.Sleep(10 * ms)
		attempt(r, "write", func() error { return server.Write([]byte("late")) })
		attempt(r, "close", func() error { server.Close(); return nil })
		attempt(r, "abort", func() error { server.Abort(); return nil })
		_ = t.Sleep(10 * ms)
		r.Say("end")
	})
}

// gathering is a recorder of the whole text that has arrived.
type gathering struct {
	*recorder
	text string
}

func (p *gathering) Data(_ *transport.Conn, b []byte) { p.text += string(b) }

func (p *gathering) say() { p.r.Say("client got: %s", p.text) }

func writeOrder(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		server, client := quiet(r, "server"), &gathering{recorder: quiet(r, "client")}
		connect(t, server, client)
		_ = server.Write([]byte("one "))
		_ = server.WriteBatch([]byte("two "), []byte("three "))
		_ = server.Write([]byte("four"))
		_ = t.Sleep(10 * ms)
		client.say()
		client.PauseReading()
		_ = server.Write([]byte(" held"))
		_ = t.Sleep(10 * ms)
		_ = server.Write([]byte(" back"))
		_ = t.Sleep(10 * ms)
		client.say()
		client.ResumeReading()
		_ = t.Sleep(10 * ms)
		client.say()
		server.Close()
		return client.ended.Wait(t)
	})
}

// idle is a recorder whose connection has a limit for silence.
type idle struct{ *recorder }

func (p idle) Opened(c *transport.Conn) {
	p.recorder.Opened(c)
	c.SetIdleTimeout(50 * ms)
}

func (p idle) Closed(c *transport.Conn, err error) {
	if word(err) == "timeout" {
		p.tell("timed out")
		err = nil
	}
	p.recorder.Closed(c, err)
}

func idleTimeout(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		server, client := loud(r, "server"), quiet(r, "client")
		connect(t, idle{server}, client)
		_ = t.Sleep(30 * ms)
		_ = client.Write([]byte("one"))
		_ = t.Sleep(30 * ms)
		_ = client.Write([]byte("two"))
		_ = client.ended.Wait(t)
		client.sayAll()
		return nil
	})
}
