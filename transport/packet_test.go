package transport_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/transport"
)

// packets is a PacketProtocol that writes down what happens.
type packets struct {
	said     []string
	onPacket func(c *transport.PacketConn, b []byte, from net.Addr)
	ended    corolla.Event
}

func (p *packets) say(f string, args ...any) { p.said = append(p.said, fmt.Sprintf(f, args...)) }
func (p *packets) String() string            { return strings.Join(p.said, " ") }

func (p *packets) Opened(*transport.PacketConn) { p.say("opened") }

func (p *packets) Packet(c *transport.PacketConn, b []byte, from net.Addr) {
	p.say("%q", b)
	if p.onPacket != nil {
		p.onPacket(c, b, from)
	}
}

func (p *packets) Failed(_ *transport.PacketConn, err error) { p.say("failed: %v", err) }

func (p *packets) Closed(*transport.PacketConn) {
	p.say("closed")
	p.ended.Set()
}

func TestPackets(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		server := &packets{onPacket: func(c *transport.PacketConn, b []byte, from net.Addr) {
			if string(b) == "panic" {
				panic("as asked")
			}
			if err := c.Write([]byte(strings.ToUpper(string(b))), from); err != nil {
				t.Error(err)
			}
		}}
		s, err := transport.ListenPacket(l, "udp", "127.0.0.1:0", server)
		if err != nil {
			t.Fatal(err)
		}
		client := &packets{}
		c, err := transport.DialPacket(l, "udp", s.LocalAddr().String(), client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range []string{"one", "", "panic", "two"} {
			if err := c.Write([]byte(text), nil); err != nil {
				t.Error(err)
			}
			// One at a time: datagrams can overtake each other.
			answers := []int{2, 3, 3, 4}[i]
			until(t, task, func() bool { return len(server.said) == i+2 && len(client.said) == answers })
		}
		if client.String() != `opened "ONE" "" "TWO"` || server.String() != `opened "one" "" "panic" "two"` {
			t.Errorf("client %v, server %v", client, server)
		}
		if len(*log) != 1 || !strings.Contains((*log)[0].Error(), "as asked") {
			t.Errorf("reported: %v", *log)
		}
		if err := c.Write(make([]byte, 70_000), nil); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("an oversize datagram: %v", err)
		}
		// Reading can be paused.
		s.PauseReading()
		if err := c.Write([]byte("later"), nil); err != nil {
			t.Error(err)
		}
		for range 20 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if len(server.said) != 5 {
			t.Errorf("while paused: %v", server)
		}
		s.ResumeReading()
		until(t, task, func() bool { return len(server.said) == 6 })
		until(t, task, func() bool { return len(client.said) == 5 })
		// When nobody is there any more, the connected one hears of it.
		s.Close()
		s.Close()
		if strings.Contains(server.String(), "closed") {
			t.Error("Closed was called within Close")
		}
		if err := server.ended.Wait(task); err != nil {
			t.Error(err)
		}
		if err := s.Write(nil, nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := c.Write([]byte("anybody?"), nil); err != nil {
			t.Error(err)
		}
		until(t, task, func() bool { return strings.Contains(client.String(), "failed: read: connection refused") })
		c.Close()
		if err := client.ended.Wait(task); err != nil {
			t.Error(err)
		}
	})
}

func TestDialPacketErrors(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l, p := task.Loop(), &packets{}
		for _, bad := range []string{"127.0.0.1", "no.such.host.invalid:1"} {
			if _, err := transport.DialPacket(l, "udp", bad, p).Await(task); err == nil || !strings.HasPrefix(err.Error(), "dial "+bad+": ") {
				t.Errorf("dial %s: %v", bad, err)
			}
		}
		f := transport.DialPacket(l, "udp", "127.0.0.1:9", p)
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		if p.String() != "" {
			t.Errorf("the protocol was told %v", p)
		}
	})
}

// Unix datagrams can be longer than UDP's, and their sender is held up, not losing anything,
// while the receiver has too many.
func TestUnixPacketsTooLongAndTooMany(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		server, client := &packets{}, &packets{}
		s, err := transport.ListenPacket(l, "unixgram", filepath.Join(t.TempDir(), "s"), server)
		if err != nil {
			return err
		}
		c, err := transport.DialPacket(l, "unixgram", s.LocalAddr().String(), client).Await(task)
		if err != nil {
			return err
		}
		if err := c.Write(make([]byte, transport.MaxPacket+1), nil); err != nil {
			t.Error(err)
		}
		until(t, task, func() bool { return len(server.said) == 2 })
		if want := fmt.Sprintf("opened failed: %v", transport.ErrTooLong); server.String() != want {
			t.Errorf("the server was told %q, want %q", server, want)
		}
		server.said = nil
		s.PauseReading()
		want := ""
		for i := range 2000 { // far more than the system holds for a receiver
			if err := c.Write([]byte{byte('a' + i%26)}, nil); err != nil {
				t.Fatal(err)
			}
			want += fmt.Sprintf("%q ", []byte{byte('a' + i%26)})
		}
		s.ResumeReading()
		until(t, task, func() bool { return len(server.said) == 2000 })
		if server.String()+" " != want {
			t.Error("the datagrams came in another order, or others did")
		}
		c.Close()
		s.Close()
		return server.ended.Wait(task)
	}); err != nil {
		t.Error(err)
	}
}

// canceler cancels its own dial when it is opened.
type canceler struct {
	packets
	cancel func()
}

func (p *canceler) Opened(*transport.PacketConn) { p.say("opened"); p.cancel() }

func TestDialPacketCanceledInOpened(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var f *corolla.Future[*transport.PacketConn]
		p := &canceler{cancel: func() { f.Cancel(nil) }}
		f = transport.DialPacket(task.Loop(), "udp", "127.0.0.1:9", p)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		until(t, task, func() bool { return p.String() == "opened closed" })
	})
}
