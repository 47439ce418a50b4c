package twisted

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
)

func lifeOrder(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		server, client := quiet(r, "server"), quiet(r, "client")
		s, err := transport.Serve(t.Loop(), "unix", newAddress(), func(*transport.Conn) transport.Protocol {
			server.tell("build")
			return server
		})
		if err != nil {
			return err
		}
		dialed := transport.Dial(t.Loop(), "unix", s.Addr().String(), client)
		dialed.OnDone(func(*corolla.Future[*transport.Conn]) { client.tell("connected") })
		r.Say("connecting")
		_ = t.Sleep(10 * ms)
		_ = client.Write([]byte("hello"))
		_ = t.Sleep(10 * ms)
		_ = server.Write([]byte("welcome"))
		_ = t.Sleep(10 * ms)
		client.Close()
		client.tell("closes")
		_ = t.Sleep(10 * ms)
		server.sayAll()
		client.sayAll()
		return s.Close()
	})
}

// dial connects p and says how that ends, if it fails.
func dial(r *scenario.Run, l *corolla.Loop, network, address, name string) *deferred.Deferred[*transport.Conn] {
	d := deferred.FromFuture(transport.Dial(l, network, address, loud(r, name)))
	return d.AddErrback(func(err error) (*transport.Conn, error) {
		return end[*transport.Conn](r, name)(nil, err)
	})
}

func connectRefused(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		dial(r, t.Loop(), "unix", newAddress(), "refused")
		_ = t.Sleep(10 * ms)
		s, err := transport.Serve(t.Loop(), "tcp", "127.0.0.1:0", build(quiet(r, "server")))
		if err != nil {
			return err
		}
		dial(r, t.Loop(), "tcp", s.Addr().String(), "given up").Cancel(nil)
		_ = t.Sleep(10 * ms)
		return s.Close()
	})
}

func buildNothing(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		first := true
		s, err := transport.Serve(t.Loop(), "unix", newAddress(), func(*transport.Conn) transport.Protocol {
			if first {
				first = false
				return nil
			}
			return quiet(r, "server")
		})
		if err != nil {
			return err
		}
		var client *recorder
		for _, name := range []string{"first", "second"} {
			client = quiet(r, name)
			transport.Dial(t.Loop(), "unix", s.Addr().String(), client)
			_ = t.Sleep(10 * ms)
			client.sayAll()
		}
		client.Close()
		_ = t.Sleep(10 * ms)
		_ = s.Close()
		r.Say("end")
		return nil
	})
}

func stopListening(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		server, client := loud(r, "server"), quiet(r, "client")
		s, err := transport.Serve(t.Loop(), "unix", newAddress(), build(server))
		if err != nil {
			return err
		}
		transport.Dial(t.Loop(), "unix", s.Addr().String(), client)
		_ = t.Sleep(10 * ms)
		_ = s.Close()
		r.Say("no longer listening")
		dial(r, t.Loop(), "unix", s.Addr().String(), "late")
		_ = t.Sleep(10 * ms)
		_ = client.Write([]byte("still here"))
		_ = t.Sleep(10 * ms)
		client.Close()
		return t.Sleep(10 * ms)
	})
}
