package asyncio

import (
	"errors"
	"net"
	"os"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/transport"
)

func connectRefused(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		listener, err := aio.Listen(t.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		_ = listener.Close()
		address := listener.Addr().String()
		_, err = transport.Dial(t.Loop(), "tcp", address, &recorder{r: r}).Await(t)
		r.Say("%s", word(err))
		_, err = aio.Dial(t, "tcp", address)
		r.Say("%s", word(err))
		return nil
	})
}

// echo is a protocol that sends back what it gets.
type echo struct{ r *scenario.Run }

func (echo) Opened(*transport.Conn)                {}
func (echo) Data(c *transport.Conn, b []byte)      { _ = c.Write(b) }
func (p echo) Closed(_ *transport.Conn, err error) { p.r.Say("handler ends") }

func serverClose(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		build := func(*transport.Conn) transport.Protocol { return echo{r} }
		server, err := transport.Serve(t.Loop(), "unix", newAddress(), build)
		if err != nil {
			return err
		}
		c, err := aio.Dial(t, "unix", server.Addr().String())
		if err != nil {
			return err
		}
		_ = t.Sleep(10 * ms)
		_ = server.Close()
		_ = server.Close()
		_, err = aio.Dial(t, "unix", server.Addr().String())
		r.Say("connect: %s", word(err))
		write(t, c, "hello")
		r.Say("echo: %s", outcome(readSome(t, c, 5)))
		_ = c.Close()
		return t.Sleep(10 * ms)
	})
}

func serverHandlerRaises(r *scenario.Run) {
	l := r.Loop(corolla.ErrorHandler(func(err error) { r.Say("handler: %s", word(err)) }))
	_ = l.Run(func(t *corolla.Task) error {
		listener, err := aio.Listen(l, "unix", newAddress())
		if err != nil {
			return err
		}
		serving := l.Go(aio.NewServer(listener, func(t *corolla.Task, c *aio.Conn) error {
			b, err := c.Receive(t)
			if string(b) == "bad" {
				panic("bad word")
			}
			write(t, c, strings.ToUpper(string(b)))
			return err
		}).Serve)
		for _, word := range []string{"bad", "good"} {
			c, err := aio.Dial(t, "unix", listener.Addr().String())
			if err != nil {
				return err
			}
			write(t, c, word)
			_ = t.Sleep(10 * ms)
			if word == "good" {
				r.Say("answer: %s", readAll(t, c))
			}
			_ = c.Close()
		}
		serving.Cancel(nil)
		return nil
	})
}

// packets is a PacketProtocol that says what it is told.
type packets struct {
	r    *scenario.Run
	name string
	echo bool
}

func (p *packets) say(what string) {
	if p.name != "" {
		what = p.name + " " + what
	}
	p.r.Say("%s", what)
}

func (p *packets) Opened(*transport.PacketConn) {
	if p.echo {
		p.r.Say("made")
	}
}

func (p *packets) Packet(c *transport.PacketConn, b []byte, from net.Addr) {
	p.say("gets " + string(b))
	if p.echo {
		_ = c.Write(b, from)
	}
}

func (p *packets) Failed(_ *transport.PacketConn, err error) { p.r.Say("error: %s", word(err)) }

func (p *packets) Closed(*transport.PacketConn) {
	if p.name != "client" {
		p.r.Say("lost")
	}
}

func datagrams(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		echo, err := transport.ListenPacket(t.Loop(), "udp", "127.0.0.1:0", &packets{r: r, name: "echo", echo: true})
		if err != nil {
			return err
		}
		client, err := transport.DialPacket(t.Loop(), "udp", echo.LocalAddr().String(), &packets{r: r, name: "client"}).Await(t)
		if err != nil {
			return err
		}
		for _, word := range []string{"one", "two", "three"} {
			_ = client.Write([]byte(word), nil)
			_ = t.Sleep(10 * ms)
		}
		echo.Close()
		r.Say("closed")
		_ = t.Sleep(10 * ms)
		client.Close()
		return nil
	})
}

// sizes is a PacketProtocol that says how long a datagram is.
type sizes struct{ r *scenario.Run }

func (sizes) Opened(*transport.PacketConn)        {}
func (sizes) Failed(*transport.PacketConn, error) {}
func (sizes) Closed(*transport.PacketConn)        {}
func (p sizes) Packet(_ *transport.PacketConn, b []byte, _ net.Addr) {
	p.r.Say("got %d bytes", len(b))
}

func datagramEmpty(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		receiver, err := transport.ListenPacket(t.Loop(), "udp", "127.0.0.1:0", sizes{r})
		if err != nil {
			return err
		}
		sender, err := transport.DialPacket(t.Loop(), "udp", receiver.LocalAddr().String(), sizes{r}).Await(t)
		if err != nil {
			return err
		}
		for _, size := range []int{3, 0, 5} {
			_ = sender.Write(make([]byte, size), nil)
			_ = t.Sleep(10 * ms)
		}
		sender.Close()
		receiver.Close()
		return nil
	})
}

func datagramRefused(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		nobody, err := transport.ListenPacket(l, "udp", "127.0.0.1:0", sizes{r})
		if err != nil {
			return err
		}
		nobody.Close()
		client, err := transport.DialPacket(l, "udp", nobody.LocalAddr().String(), &packets{r: r}).Await(t)
		if err != nil {
			return err
		}
		_ = client.Write([]byte("anybody?"), nil)
		_ = t.Sleep(10 * ms)
		somebody, err := transport.ListenPacket(l, "udp", nobody.LocalAddr().String(), sizes{r})
		if err != nil {
			return err
		}
		_ = somebody.Write([]byte("hello"), client.LocalAddr())
		_ = t.Sleep(10 * ms)
		client.Close()
		return t.Sleep(10 * ms)
	})
}

func runCancelsRest(r *scenario.Run) {
	l := r.Loop(corolla.ErrorHandler(func(err error) {
		var unseen *corolla.UnseenError
		if errors.As(err, &unseen) {
			r.Say("handler: %s", word(unseen.Err))
		}
	}))
	_ = l.Run(func(t *corolla.Task) error {
		l.Go(func(t *corolla.Task) error {
			r.Say("task: %s", word(t.Sleep(10_000*ms)))
			_ = t.Shielded(func(*corolla.Scope) error { return t.Sleep(10 * ms) })
			r.Say("task ends")
			return errors.New("task is bad")
		})
		_ = t.Sleep(10 * ms)
		r.Say("main ends")
		return nil
	})
	_ = l.Close()
	r.Say("end")
}

func runSignal(r *scenario.Run) {
	l := r.Loop(corolla.CancelOnSignal(os.Interrupt))
	err := l.Run(func(t *corolla.Task) error {
		l.Soon(func() {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Signal(os.Interrupt)
		})
		_, err := corolla.NewFuture[int](l).Await(t)
		r.Say("main: %s", word(err))
		return err
	})
	var interrupted *corolla.SignalError
	if errors.As(err, &interrupted) {
		r.Say("run: interrupted")
	} else {
		r.Say("run: done")
	}
}
