package transport_test

import (
	"crypto/tls"
	"io"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// pushing is a push producer that writes 32 KiB whenever it may, and ends after a while.
type pushing struct {
	conn                 *transport.Conn
	left                 int
	running              bool
	pauses, stops, turns int
}

func (p *pushing) Pause()  { p.running = false; p.pauses++ }
func (p *pushing) Resume() { p.running = true; p.conn.Socket().Loop().Soon(p.write) }
func (p *pushing) Stop()   { p.stops++ }

func (p *pushing) write() {
	for p.running && p.left > 0 {
		p.left--
		p.turns++
		_ = p.conn.Write(make([]byte, 32<<10)) // allowed though the connection is closing
	}
	if p.left == 0 {
		p.conn.UnregisterProducer()
	}
}

func TestCloseWaitsForItsProducer(t *testing.T) { // differences 7, twisted 27
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		c := rec().conn
		p := &pushing{conn: c, left: 256} // more than the system takes at once
		if err := c.RegisterProducer(p); err != nil {
			t.Error(err)
		}
		if err := c.RegisterProducer(p); err != transport.ErrProducing {
			t.Errorf("a second producer: %v", err)
		}
		c.Close()
		p.Resume()
		got, err := readAll(t, task, client)
		if len(got) != 256*32<<10 || err != io.EOF || p.pauses == 0 || p.stops != 0 {
			t.Errorf("received %d bytes, %v; %d pauses, %d stops", len(got), err, p.pauses, p.stops)
		}
		_ = ended(t, task)
		if err := c.RegisterProducer(p); err != nil || p.stops != 1 {
			t.Errorf("after the loss: %v, %d stops", err, p.stops)
		}
	})
}

// pulled is a pull producer of three pieces.
type pulled struct {
	conn  *transport.Conn
	asked int
}

func (p *pulled) Stop() {}

func (p *pulled) Resume() {
	p.asked++
	_ = p.conn.Write(make([]byte, 100_000))
	if p.asked == 3 {
		p.conn.UnregisterProducer()
	}
}

func TestPullProducer(t *testing.T) {
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		c := rec().conn
		p := &pulled{conn: c}
		if err := c.RegisterPullProducer(p); err != nil {
			t.Error(err)
		}
		c.Close()
		if got, err := readAll(t, task, client); len(got) != 300_000 || err != io.EOF || p.asked != 3 {
			t.Errorf("received %d bytes, %v; asked %d times", len(got), err, p.asked)
		}
	})
}

func TestProducerRegisteredAfterCloseIsStopped(t *testing.T) {
	size := 0
	serve(t, &recorder{onOpen: func(c *transport.Conn) {
		size = clogged(c) // so that Close has something to wait for
		c.Close()
		p := &pushing{conn: c}
		if err := c.RegisterProducer(p); err != nil || p.stops != 1 {
			t.Errorf("RegisterProducer after Close: %v, stopped %d times", err, p.stops)
		}
	}}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		if got, err := readAll(t, task, client); len(got) != size || err != io.EOF {
			t.Errorf("received %d bytes, %v", len(got), err)
		}
		_ = ended(t, task)
	})
}

// asked is a pull producer that counts.
type asked struct {
	conn  *transport.Conn
	times int
}

func (p *asked) Resume() { p.times++; _ = p.conn.Write([]byte("0123456789")) }

func (p *asked) Stop() {}

func TestPullProducerWaitsForTheHandshake(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 1)
		k := sides[0]
		if err := k.conn.ClientTLS(&tls.Config{ServerName: "x"}, func(error) {}); err != nil {
			t.Fatal(err)
		}
		p := &asked{conn: k.conn}
		if err := k.conn.RegisterPullProducer(p); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if p.times != 1 {
			t.Errorf("it was asked %d times while nothing could be sent", p.times)
		}
		endAll(t, task, sides, clients)
	})
}

// TestPushProducerIsStoppedAtThePeersEnd, as it may have nothing to write for a long time, and nobody
// would learn that the peer is gone.
func TestPushProducerIsStoppedAtThePeersEnd(t *testing.T) {
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		c := rec().conn
		p := &pushing{conn: c}
		if err := c.RegisterProducer(p); err != nil {
			t.Error(err)
		}
		_ = c.Write([]byte("sent before"))
		if err := client.CloseWrite(); err != nil {
			t.Error(err)
		}
		if got, err := readAll(t, task, client); got != "sent before" || err != io.EOF {
			t.Errorf("received %q, %v", got, err)
		}
		if err := ended(t, task); err != nil || p.stops != 1 {
			t.Errorf("Closed got %v, %d stops", err, p.stops)
		}
	})
}

// eager is a push producer that writes as much as it may within Resume, as Twisted's often do.
type eager struct {
	*pauser
	running bool
	left    int
}

func (p *eager) Pause() { p.running = false; p.say("P") }
func (p *eager) Stop()  { p.say("S") }

func (p *eager) Resume() {
	p.running = true
	p.say("R")
	for p.running && p.left > 0 {
		p.left--
		_ = p.conn.Write(make([]byte, 16<<20)) // more than any system takes at once
	}
	if p.left == 0 {
		p.conn.UnregisterProducer()
	}
}

// TestMarksThatProducersCross: a producer may cross the high mark again while the connection is telling of the
// low one. The protocol is told of each mark in turn, and last of the one that holds.
func TestMarksThatProducersCross(t *testing.T) {
	serve(t, &pauser{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		k := current.(*pauser)
		until(t, task, func() bool { return k.conn != nil })
		p := &eager{pauser: k, left: 2}
		if err := k.conn.RegisterProducer(p); err != nil {
			t.Error(err)
		}
		p.Resume()
		k.conn.Close()
		if got, err := readAll(t, task, client); len(got) != 32<<20 || err != io.EOF {
			t.Errorf("received %d bytes, %v", len(got), err)
		}
		_ = ended(t, task)
		if got, want := k.String(), "opened R P pause R P resume closed"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestPullProducerBehindAnother is asked when what it wrote itself is sent, and not because what the other one
// wrote is.
func TestPullProducerBehindAnother(t *testing.T) {
	serve(t, &recorder{}, func(t *testing.T, task *corolla.Task, client *aio.Conn) {
		until(t, task, func() bool { return rec().conn != nil })
		c := rec().conn
		first, second := &asked{conn: c}, &telling{writes: 16 << 20, times: 2}
		second.conn = c
		if err := c.RegisterPullProducer(first); err != nil {
			t.Error(err)
		}
		c.UnregisterProducer()
		if err := c.RegisterPullProducer(second); err != nil {
			t.Error(err)
		}
		for range 5 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if first.times != 1 || second.String() != "resume" {
			t.Errorf("asked %d times; the second was told %q before anything was read", first.times, second)
		}
		c.Close()
		if got, err := readAll(t, task, client); len(got) != 32<<20+10 || err != io.EOF {
			t.Errorf("received %d bytes, %v", len(got), err)
		}
		_ = ended(t, task)
	})
}
