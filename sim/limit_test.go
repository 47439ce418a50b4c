package sim_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// contains is strings.Contains, but nothing contains "" but nothing.
func contains(s, part string) bool {
	if part == "" {
		return s == ""
	}
	return strings.Contains(s, part)
}

func TestDescriptorsRunOut(t *testing.T) {
	w := calm(1)
	defer w.Close()
	h := w.Host("a")
	inject(t, w, "descriptors host=a n=2 for=1s")
	if err := h.Run(func(task *corolla.Task) error {
		l := task.Loop()
		if err := task.Sleep(time.Millisecond); err != nil {
			return err
		}
		var opened []*corolla.Socket
		for _, listen := range []string{"tcp", "tcp", "tcp"} {
			s, err := l.Listen(listen, ":0")
			if err == nil {
				opened = append(opened, s)
			} else if !errors.Is(err, syscall.EMFILE) {
				t.Errorf("Listen: %v", err)
			}
		}
		if len(opened) != 2 {
			t.Errorf("%d descriptors of 2", len(opened))
		}
		if _, err := l.Dial("tcp", "127.0.0.1:80").Await(task); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("Dial: %v", err)
		}
		if _, err := l.ListenPacket("udp", ":0"); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("ListenPacket: %v", err)
		}
		if err := task.Sleep(2 * time.Second); err != nil {
			return err
		}
		s, err := l.Listen("tcp", ":0")
		opened = append(opened, s)
		for _, s := range opened {
			_ = s.Close()
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// A server without descriptors drops connections, as a real host does; it goes on when it has some.
func TestServerWithoutDescriptorsSheds(t *testing.T) {
	w := calm(1)
	w.Host("server")
	inject(t, w, "descriptors host=server n=1 at=1ms for=1s") // the listening socket
	var first, later error
	_ = talk(t, w, func(t *corolla.Task, c *aio.Conn) error {
		first = ask(t, c, "hello")
		if err := t.Sleep(2 * time.Second); err != nil {
			return err
		}
		later = echo(t, "server:7", 1)
		return nil
	})
	if first == nil || later != nil {
		t.Errorf("at first: %v; later: %v", first, later)
	}
}

// With a full backlog attempts are not answered until there is room; see listen(2).
func TestFullBacklog(t *testing.T) {
	w := calm(1)
	defer w.Close()
	w.Host("server").Start(func(t *corolla.Task) error {
		ln, err := t.Loop().Listen("tcp", ":7")
		if err != nil {
			return err
		}
		defer ln.Close()
		if err := t.Sleep(2500 * time.Millisecond); err != nil {
			return err
		}
		for range 2 {
			s, err := ln.TryAccept()
			if err != nil {
				return err
			}
			defer s.Close()
		}
		return t.Sleep(time.Minute)
	})
	inject(t, w, "backlog host=server n=2")
	if err := w.Host("client").Run(func(task *corolla.Task) error {
		for i, want := range []time.Duration{0, 0, 3 * time.Second} {
			begun := w.Now()
			s, err := task.Loop().Dial("tcp", "10.0.0.1:7").Await(task)
			if err != nil {
				return err
			}
			defer s.Close()
			if took := w.Now() - begun; took.Truncate(time.Second) != want {
				t.Errorf("connection %d took %v, want %v", i, took, want)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestSmallBuffersAndShortWrites(t *testing.T) {
	for _, c := range []struct {
		fault string
		write int // what the first write takes
		read  int // what the first read finds
	}{
		{"buffers host=client n=3", 3, 3},
		{"short host=client n=5", 5, 5},
		{"buffers host=server n=3", 13, 13},
		{"short host=client n=5 for=1ms", 13, 13},
	} {
		w := calm(1)
		w.Host("client")
		read := 0
		w.Host("server").Start(func(t *corolla.Task) error {
			ln, err := aio.Listen(t.Loop(), "tcp", ":7")
			if err != nil {
				return err
			}
			defer ln.Close()
			conn, err := ln.Accept(t)
			if err != nil {
				return err
			}
			defer conn.Close()
			read, err = conn.Read(t, make([]byte, 100))
			return err
		})
		inject(t, w, c.fault)
		if err := w.Host("client").Run(func(task *corolla.Task) error {
			s, err := task.Loop().Dial("tcp", "server:7").Await(task)
			if err != nil {
				return err
			}
			defer s.Close()
			n, err := s.TryWrite([]byte("anybody there"))
			if n != c.write || err != nil {
				t.Errorf("%s: a write took %d bytes, %v; want %d", c.fault, n, err, c.write)
			}
			return task.Sleep(time.Second)
		}); err != nil || read != c.read {
			t.Errorf("%s: %v, and a read found %d bytes, want %d", c.fault, err, read, c.read)
		}
		w.Close()
	}
}

func TestNamesFailLieAndChange(t *testing.T) {
	w := calm(1)
	defer w.Close()
	w.Host("a")
	w.Host("b")
	inject(t, w,
		"name-fails host=a name=b at=1s for=1s",
		"name-lies host=a name=b addr=10.9.9.9 at=3s for=1s",
		"name-lies name=c addr=10.0.0.2 at=3s for=1s")
	if err := w.Host("a").Run(func(task *corolla.Task) error {
		for _, c := range []struct {
			at      time.Duration
			name    string
			want    string
			failure string
		}{
			{0, "b:1", "10.0.0.2:1", ""},
			{0, "c:1", "", "no such host"},
			{1500 * time.Millisecond, "b:1", "", "server misbehaving"},
			{2500 * time.Millisecond, "b:1", "10.0.0.2:1", ""},
			{3500 * time.Millisecond, "b:1", "10.9.9.9:1", ""},
			{3500 * time.Millisecond, "c:1", "10.0.0.2:1", ""},
			{4500 * time.Millisecond, "b:1", "10.0.0.2:1", ""},
		} {
			if err := task.Sleep(c.at - w.Now()); err != nil {
				return err
			}
			addrs, err := task.Loop().Resolve("tcp", c.name).Await(task)
			got := ""
			if len(addrs) > 0 {
				got = addrs[0].String()
			}
			if got != c.want || !contains(errorText(err), c.failure) {
				t.Errorf("%s at %v: %v, %v", c.name, c.at, got, err)
			}
		}
		w.SetName("b.example", "10.0.0.7")
		addrs, err := task.Loop().Resolve("tcp", "b.example:1").Await(task)
		if err != nil || addrs[0].(*net.TCPAddr).IP.String() != "10.0.0.7" {
			t.Errorf("after SetName: %v, %v", addrs, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestWallClockIsStepped(t *testing.T) {
	w := calm(1)
	defer w.Close()
	w.Host("a")
	w.Host("b")
	inject(t, w, "clock-step host=a at=1s by=-1h", "clock-step host=a at=3s by=2h")
	for _, name := range []string{"a", "b"} {
		var read []time.Duration
		if err := w.Host(name).Run(func(task *corolla.Task) error {
			for range 3 {
				read = append(read, task.Loop().Time().Sub(sim.Epoch)-w.Now())
				if err := task.Sleep(2 * time.Second); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		want := map[string][]time.Duration{"a": {0, -time.Hour, time.Hour}, "b": {0, 0, 0}}[name]
		if len(read) != 3 || name == "a" && (read[1] != want[1] || read[2] != want[2]) || name == "b" && read[2] != want[2] {
			t.Errorf("%s reads %v, want %v", name, read, want)
		}
	}
}
