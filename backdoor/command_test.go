package backdoor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func tick() {}

func chat(t *corolla.Task, c *aio.Conn) error {
	_, err := c.Read(t, make([]byte, 1))
	return err
}

// busy is a program of which there is something to see. Each answer takes it 2 ms, on the way.
func busy(p *program, look func(c *console)) {
	ln, err := aio.Listen(p.loop, "tcp", "127.0.0.1:7000")
	if err != nil {
		p.Fatal(err)
	}
	server := p.loop.Go(aio.NewServer(ln, chat).Serve, corolla.Name("chat"))
	guest, err := aio.Dial(p.task, "tcp", "127.0.0.1:7000")
	if err != nil {
		p.Fatal(err)
	}
	idle, err := p.loop.Listen("unix", "/run/idle.sock")
	if err != nil {
		p.Fatal(err)
	}
	guest.Socket().OnReadable(tick)
	timer := p.loop.After(time.Hour, tick)
	if err := p.task.Sleep(90 * time.Second); err != nil {
		p.Fatal(err)
	}
	c := p.attach()
	look(c)
	c.close()
	timer.Stop()
	server.Cancel(nil)
	if _, err := server.Await(p.task); !errors.Is(err, corolla.ErrCanceled) {
		p.Error(err)
	}
	if err := errors.Join(idle.Close(), guest.Close()); err != nil {
		p.Error(err)
	}
}

// The clock stands at 1m30.007s when the first command is answered, and each takes 2 ms.
func TestAnswers(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{"help", `
			help            list the commands
			tasks [WORD]    list the tasks, including green threads, oldest first
			task N          describe a task
			stack N         show where a task is
			timers [WORD]   list the timers, the next first
			sockets [WORD]  list the sockets, who waits for them, and their unsent bytes
			jobs            list the workers, and what runs on other goroutines
			loop            count what the loop holds, and time a few of its turns
			kill N          cancel a task
			quit            end the console
			After any of them, --json asks for an answer in JSON, on one line.
		`},
		{"tasks", `
			TASK  NAME      FUNCTION                      FOR                                     STATE
			1     main      backdoor_test.run.func1       -                                       reading a socket, 1ms
			2     backdoor  backdoor.Listen.func1         -                                       reading a socket, 2ms
			3     chat      aio.(*Server).Serve-fm        -                                       reading a socket, 1m30s
			4     -         backdoor_test.chat            tcp 127.0.0.1:7000 -> 127.0.0.1:49153   reading a socket, 1m30s
			5     -         backdoor.(*board).console-fm  tcp 127.0.0.1:49152 -> 127.0.0.1:49154  running
		`},
		{"tasks chat", `
			TASK  NAME  FUNCTION                FOR                                    STATE
			1     chat  aio.(*Server).Serve-fm  -                                      reading a socket, 1m30s
			2     -     backdoor_test.chat      tcp 127.0.0.1:7000 -> 127.0.0.1:49153  reading a socket, 1m30s
		`},
		{"timers", `
			IN      WHAT
			58m30s  backdoor_test.tick (backdoor/command_test.go:N)
		`},
		{"sockets", `
			FD  NETWORK  LOCAL            PEER             UNSENT  READ BY             WRITTEN BY
			0   tcp      127.0.0.1:49152  -                0       task 1              -
			1   tcp      127.0.0.1:7000   -                0       task 2              -
			2   tcp      127.0.0.1:49153  127.0.0.1:7000   0       backdoor_test.tick  -
			3   tcp      127.0.0.1:7000   127.0.0.1:49153  0       task 3              -
			4   unix     /run/idle.sock   -                0       -                   -
			5   tcp      127.0.0.1:49154  127.0.0.1:49152  0       task 4              -
			6   tcp      127.0.0.1:49152  127.0.0.1:49154  0       -                   -
		`},
		{"sockets idle", `
			FD  NETWORK  LOCAL           PEER  UNSENT  READ BY  WRITTEN BY
			4   unix     /run/idle.sock  -     0       -        -
		`},
		{"timers never", "no timers"},
		{"jobs", "no workers: nothing was ever offloaded"},
		{"loop", `
			clock      1m30s
			tasks      5
			timers     1
			sockets    7
			waits      5
			callbacks  3
			contexts   0
			on close   0
			jobs       0
			turns      the next 10 were too short for the loop's clock
		`},
		{"task 1", `error: no task "1"; tasks lists them with their numbers`},
		{"kill all", `error: no task "all"; tasks lists them with their numbers`},
		{"task", "error: wrong arguments to task; usage: task N"},
		{"tasks one two", "error: wrong arguments to tasks; usage: tasks [WORD]"},
		{"loop 7", "error: wrong arguments to loop; usage: loop"},
		{"dance", `error: unknown command "dance"; one of: help, tasks, task, stack, timers, sockets, jobs, loop, kill, quit`},
		{"  \t loop   7 \r", "error: wrong arguments to loop; usage: loop"},
	} {
		t.Run(strings.TrimSpace(c.command), func(t *testing.T) {
			onSim(t, func(p *program) { busy(p, func(on *console) { on.want(c.command, c.want) }) })
		})
	}
}

func TestOneTask(t *testing.T) {
	onSim(t, func(p *program) {
		busy(p, func(c *console) {
			c.ask("tasks backdoor_test.chat")
			c.want("task 1", `
			task      1
			name      -
			function  backdoor_test.chat (backdoor/command_test.go:N)
			for       tcp 127.0.0.1:7000 -> 127.0.0.1:49153
			state     reading a socket, 1m30s
			`)
			got := c.ask("stack 1")
			last := -1
			for _, call := range []string{
				"corolla.(*Task).Park", "corolla.(*Socket).WaitReadable", "aio.(*Conn).Read",
				"backdoor_test.chat              backdoor/command_test.go:N",
			} {
				i := strings.Index(got, "\n"+call)
				if i <= last {
					t.Errorf("%s is not where it belongs in\n%s", call, got)
				}
				last = i
			}
			fresh := p.loop.Go(forever, corolla.Name("fresh"))
			c.send("tasks fresh\nstack 2\ntask 2\n") // of which the first comes while it waits
			if got := c.answer(); !strings.Contains(got, "fresh") {
				t.Error(got)
			}
			if got := c.answer(); !strings.Contains(got, "backdoor_test.forever") {
				t.Error(got)
			}
			c.answer()
			fresh.Cancel(nil)
		})
	})
}

// The job is outside, and another waits for its place.
func TestJobs(t *testing.T) {
	onSim(t, func(p *program) {
		c := p.attach()
		zip := p.loop.Workers("zip")
		zip.SetLimit(1)
		p.loop.Workers("")
		var jobs []*corolla.Future[int]
		for range 3 { // each takes as long as the way to the console and back
			jobs = append(jobs, corolla.OffloadTo(zip, func(context.Context) (int, error) { return 1, nil }))
		}
		c.want("jobs", `
			WORKERS    RUNNING  WAITING  LIMIT
			(Offload)  0        0        64
			zip        1        1        1
		`)
		if _, err := corolla.All(p.loop, jobs...).Await(p.task); err != nil {
			t.Error(err)
		}
		c.close()
	})
}

// Work in a turn shows, and what a socket has to send.
func TestTurnsAndBuffers(t *testing.T) {
	w := sim.New(1, sim.Latency(time.Millisecond, time.Millisecond), sim.Buffer(1000), sim.Whole())
	run(t, w.NewLoop(handler(t)), func(p *program) {
		ln, err := aio.Listen(p.loop, "tcp", "127.0.0.1:7000")
		if err != nil {
			t.Fatal(err)
		}
		guest, err := aio.Dial(p.task, "tcp", "127.0.0.1:7000")
		if err != nil {
			t.Fatal(err)
		}
		host, err := ln.Accept(p.task)
		if err != nil {
			t.Fatal(err)
		}
		guest.SetWriteMarks(0, 10_000)
		writer := p.loop.Go(func(t *corolla.Task) error {
			_, err := guest.Write(t, make([]byte, 50_000))
			return err
		}, corolla.Name("writer"))
		c := p.attach()
		c.ask("tasks writer")
		c.want("sockets 49000", `
			FD  NETWORK  LOCAL            PEER            UNSENT  READ BY  WRITTEN BY
			2   tcp      127.0.0.1:49153  127.0.0.1:7000  49000   -        task 1
		`)
		over := false
		work := p.loop.Go(func(t *corolla.Task) error {
			for !over {
				w.Spend(20 * time.Millisecond)
				if err := t.Yield(); err != nil {
					return err
				}
			}
			return nil
		})
		if got, want := c.ask("loop"), "the next 10 took 20ms at most, 20ms on average\n"; !strings.HasSuffix(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
		over = true
		if _, err := work.Await(p.task); err != nil {
			t.Error(err)
		}
		if err := errors.Join(guest.Abort(), host.Close(), ln.Close()); err != nil {
			t.Error(err)
		}
		_, _ = writer.Await(p.task)
		c.close()
	})
}
