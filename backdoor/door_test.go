package backdoor_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/backdoor"
	"github.com/corolla-go/corolla/sim"
)

func TestAddressesOfOthersAreRefused(t *testing.T) {
	eachHost(t, func(p *program) {
		for _, c := range []struct{ network, address string }{
			{"tcp", "0.0.0.0:0"},
			{"tcp", ":0"},
			{"tcp", "[::]:0"},
			{"tcp4", "10.0.0.1:7000"},
			{"tcp6", "[2001:db8::1]:7000"},
			{"tcp", "example.org:7000"},
			{"tcp", "127.0.0.1"},
			{"tcp", ""},
			{"udp", "127.0.0.1:0"},
			{"unixgram", "/run/door.sock"},
			{"", "127.0.0.1:0"},
		} {
			before := p.loop.Stats()
			d, err := backdoor.Listen(p.loop, c.network, c.address)
			if !errors.Is(err, backdoor.ErrAddress) || d != nil {
				p.Errorf("Listen(%q, %q) = %v", c.network, c.address, err)
			}
			if after := p.loop.Stats(); after != before {
				p.Errorf("Listen(%q, %q) has left %+v, was %+v", c.network, c.address, after, before)
			}
		}
		ln, err := aio.Listen(p.loop, "tcp", "0.0.0.0:0")
		if err != nil {
			p.Fatal(err)
		}
		if err := backdoor.Serve(p.task, ln); !errors.Is(err, backdoor.ErrAddress) || !ln.Socket().Closed() {
			p.Errorf("Serve = %v; closed is %v", err, ln.Socket().Closed())
		}
	})
}

func TestListenSaysWhyItFailed(t *testing.T) {
	eachHost(t, func(p *program) {
		_, err := backdoor.Listen(p.loop, "tcp", p.door.Addr().String())
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(err.Error(), "backdoor: listen "+p.door.Addr().String()) {
			p.Errorf("Listen = %v", err)
		}
	})
}

func TestLoopbackAndUnixAreServed(t *testing.T) {
	eachHost(t, func(p *program) {
		for _, c := range []struct{ network, address string }{
			{"tcp", "localhost:0"},
			{"tcp4", "127.0.0.2:0"},
			{"unix", p.TempDir() + "/door.sock"},
		} {
			d, err := backdoor.Listen(p.loop, c.network, c.address)
			if err != nil {
				p.Fatal(err)
			}
			conn, err := aio.Dial(p.task, c.network, d.Addr().String())
			if err != nil {
				p.Fatal(err)
			}
			if _, err := conn.Write(p.task, []byte("jobs --json\nquit\n")); err != nil {
				p.Error(err)
			}
			got, err := io.ReadAll(conn.Bind(p.task))
			if err != nil || !strings.HasPrefix(string(got), `{"workers":[`) {
				p.Errorf("%s: %q, %v", c.network, got, err)
			}
			if err := errors.Join(conn.Close(), d.Close()); err != nil {
				p.Error(err)
			}
		}
	})
}

func TestCloseEndsConsoles(t *testing.T) {
	eachHost(t, func(p *program) {
		d, err := backdoor.Listen(p.loop, "tcp", "127.0.0.1:0")
		if err != nil {
			p.Fatal(err)
		}
		c := (&program{p.T, p.loop, p.task, d}).attach()
		c.ask("loop")
		tasks := len(p.loop.Tasks())
		if err := d.Close(); err != nil {
			p.Error(err)
		}
		if err := d.Close(); !errors.Is(err, net.ErrClosed) {
			p.Errorf("the second Close returned %v", err)
		}
		c.ended()
		if _, err := aio.Dial(p.task, "tcp", d.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			p.Errorf("afterwards: %v", err)
		}
		if n := len(p.loop.Tasks()); n != tasks-2 {
			p.Errorf("%d tasks, %d while it was open", n, tasks)
		}
	})
}

// The end of main ends the program, whoever looks.
func TestRunEndsWithConsolesOpen(t *testing.T) {
	l := sim.New(1).NewLoop(handler(t))
	var client *aio.Conn
	err := l.Run(func(task *corolla.Task) error {
		d, err := backdoor.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		if client, err = aio.Dial(task, "tcp", d.Addr().String()); err != nil {
			return err
		}
		_, err = client.Write(task, []byte("tas"))
		return err
	})
	if err != nil || len(l.Tasks()) > 0 {
		t.Errorf("Run = %v; %v", err, l.Tasks())
	}
	if err := errors.Join(client.Close(), l.Close()); err != nil {
		t.Error(err)
	}
}

func TestLinesOfAllKinds(t *testing.T) {
	eachHost(t, func(p *program) {
		c := p.attach()
		c.send("\n \t\n\r\njobs\r\n")
		if got := c.answer(); !strings.HasPrefix(got, "no workers") {
			p.Errorf("behind empty lines: %q", got)
		}
		c.send(strings.Repeat("x", 1023) + "\n")
		if got := c.answer(); !strings.HasPrefix(got, `error: unknown command "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"; one of`) {
			p.Errorf("to a line of 1023 bytes: %q", got)
		}
		for _, n := range []int{1024, 1025, 5000, 300_000} {
			c.want(strings.Repeat("x", n), "error: a line of more than 1024 bytes")
		}
		c.want("jobs", "no workers: nothing was ever offloaded")
		c.send("jobs --json") // the last line need have no end
		if err := c.conn.CloseWrite(); err != nil {
			p.Error(err)
		}
		if line, err := c.in.ReadString('\n'); line != "{\"workers\":[]}\n" || err != nil {
			p.Errorf("the last line: %q, %v", line, err)
		}
		c.ended()
	})
}

// Whatever comes, each line is answered, in words that a terminal can show.
func TestGarbage(t *testing.T) {
	eachHost(t, func(p *program) {
		c := p.attach()
		rng := rand.New(rand.NewPCG(1, 2))
		words := []string{"tasks", "task", "stack", "kill", "timers", "loop", "--json", "0", "-1", "99999999999999999999", "é", "\x1b[2J", "\x00", "%s"}
		for range 500 {
			var line []byte
			for range rng.IntN(6) {
				if rng.IntN(2) == 0 {
					line = append(line, words[rng.IntN(len(words))]...)
				}
				for range rng.IntN(1 << rng.IntN(12)) {
					line = append(line, byte(rng.IntN(256)))
				}
				line = append(line, ' ')
			}
			text := strings.ReplaceAll(string(line), "\n", " ")
			c.send(text + "\njobs extra\n") // the second shows that the first was answered once, or is empty
			const end = "error: wrong arguments to jobs; usage: jobs\n"
			got := ""
			for !strings.HasSuffix(got, end+"\n") {
				next, err := c.in.ReadString('\n')
				if err != nil {
					p.Fatalf("%q: %v after %q", text, err, got)
				}
				got += next
			}
			if got = strings.TrimSuffix(got, end+"\n"); got == "" && strings.TrimSpace(text) != "" {
				p.Errorf("%q was not answered", text)
			}
			if strings.Count(got, "\n\n") > 1 || strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
				p.Errorf("%q was answered with %q", text, got)
			}
		}
		c.close()
	})
}

// Names may come from anywhere, and must not move the cursor of who looks.
func TestNamesAreHarmless(t *testing.T) {
	onSim(t, func(p *program) {
		c := p.attach()
		f := p.loop.Go(forever, corolla.Name("\x1b[2Jwolf\n\n\u202e"))
		p.turns(1)
		c.want("tasks wolf", `
			TASK  NAME                     FUNCTION               FOR  STATE
			1     "\x1b[2Jwolf\n\n\u202e"  backdoor_test.forever  -    the end of the test, 1ms
		`)
		long := p.loop.Go(forever, corolla.Name(strings.Repeat("é", 100)))
		p.turns(1)
		if got := c.ask("tasks éé"); !strings.Contains(got, "  "+strings.Repeat("é", 47)+"…  ") {
			t.Error(got)
		}
		f.Cancel(nil)
		long.Cancel(nil)
		c.close()
	})
}

// A peer that asks and never reads costs one answer, and that not for long.
func TestPeerThatDoesNotRead(t *testing.T) {
	onSim(t, func(p *program) {
		err := p.task.Group(func(g *corolla.Group) error {
			for range 1000 {
				g.Go(forever)
			}
			c := p.attach()
			stop := p.task.Loop().Now() + 10*time.Second
			asked := 0
			ask := g.Go(func(t *corolla.Task) error {
				for {
					if _, err := c.conn.Write(t, []byte("tasks --json\n")); err != nil {
						return err
					}
					asked++
				}
			})
			most := 0
			for p.loop.Now() < stop {
				for _, i := range p.loop.Sockets() {
					if i.Local.String() == p.door.Addr().String() {
						most = max(most, i.Unsent)
					}
				}
				if err := p.task.Sleep(100 * time.Millisecond); err != nil {
					return err
				}
			}
			if most < 64<<10 || most > 512<<10 {
				t.Errorf("%d bytes were kept for it, of an answer of some 200 KB", most)
			}
			if _, err := ask.Await(p.task); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("the peer was told %v", err)
			}
			if took := p.loop.Now(); took < 30*time.Second || took > 31*time.Second {
				t.Errorf("dropped after %v", took)
			}
			_ = c.conn.Abort() // it is lost
			g.Cancel(nil)
			return nil
		})
		if err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Error(err)
		}
	})
}

func TestManyConsoles(t *testing.T) {
	eachHost(t, func(p *program) {
		var all []*console
		for range 16 {
			all = append(all, p.attach())
		}
		for _, c := range all {
			c.ask("loop") // by then it is served
		}
		for _, c := range all {
			c.send("tasks console\n") // all at once
		}
		for _, c := range all {
			if got := c.answer(); strings.Count(got, "console-fm") != 16 {
				p.Errorf("%s", got)
			}
		}
		late := p.attach()
		if got := late.answer(); got != "error: 16 consoles are open, which is the limit\n" {
			p.Errorf("the 17th was told %q", got)
		}
		late.ended()
		all[0].send("quit\n")
		all[0].ended()
		for p.loop.Stats().Sockets > 1+2*15 {
			if err := p.task.Sleep(time.Millisecond); err != nil {
				p.Fatal(err)
			}
		}
		all[0] = p.attach()
		all[0].ask("loop")
		for _, c := range all {
			c.close()
		}
	})
}
