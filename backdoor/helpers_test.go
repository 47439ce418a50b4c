package backdoor_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/backdoor"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// program is a program with a backdoor, as a test sees it.
type program struct {
	*testing.T
	loop *corolla.Loop
	task *corolla.Task // main
	door *backdoor.Door
}

// eachHost runs main, as a task of a program with a backdoor, on a real and on a simulated machine.
func eachHost(t *testing.T, main func(p *program)) {
	t.Helper()
	t.Run("real", func(t *testing.T) {
		l, err := corolla.New(handler(t))
		leaktest.NeedLoop(t, err)
		run(t, l, main)
	})
	t.Run("sim", func(t *testing.T) { onSim(t, main) })
}

// onSim is for what needs virtual time.
func onSim(t *testing.T, main func(p *program), opts ...sim.Option) {
	t.Helper()
	opts = append([]sim.Option{sim.Latency(time.Millisecond, time.Millisecond)}, opts...)
	w := sim.New(1, opts...)
	run(t, w.NewLoop(handler(t)), main)
	if n := w.Open(); n != 0 {
		t.Errorf("%d descriptors left open", n)
	}
}

func handler(t *testing.T) corolla.Option {
	return corolla.ErrorHandler(func(err error) {
		if !errors.As(err, new(*corolla.SlowError)) {
			t.Errorf("reached the error handler: %v", err)
		}
	})
}

func run(t *testing.T, l *corolla.Loop, main func(p *program)) {
	t.Helper()
	err := l.Run(func(task *corolla.Task) error {
		door, err := backdoor.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		main(&program{t, l, task, door})
		if err := door.Close(); err != nil {
			return err
		}
		for l.Stats().Sockets > 0 { // what was closed may still send
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
}

// console is a client's end of a connection.
type console struct {
	*program
	conn *aio.Conn
	in   *bufio.Reader
}

func (p *program) attach() *console {
	p.Helper()
	c, err := aio.Dial(p.task, "tcp", p.door.Addr().String())
	if err != nil {
		p.Fatal(err)
	}
	return &console{p, c, bufio.NewReader(c.Bind(p.task))}
}

func (c *console) send(text string) {
	c.Helper()
	if _, err := c.conn.Write(c.task, []byte(text)); err != nil {
		c.Errorf("sending %.40q: %v", text, err)
	}
}

// answer reads up to an empty line.
func (c *console) answer() string {
	c.Helper()
	var b strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.Fatalf("after %q: %v", b.String()+line, err)
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

var lineNumber = regexp.MustCompile(`(\.go):\d+`)

// ask returns the answer to a command, with N for the numbers of lines of code.
func (c *console) ask(command string) string {
	c.Helper()
	c.send(command + "\n")
	return lineNumber.ReplaceAllString(c.answer(), "$1:N")
}

// want compares an answer, of which a text in backquotes may be indented.
func (c *console) want(command, text string) {
	c.Helper()
	text = strings.ReplaceAll(strings.TrimLeft(text, "\n\t"), "\n\t\t\t", "\n")
	text = strings.TrimRight(text, "\n\t") + "\n"
	if got := c.ask(command); got != text {
		c.Errorf("> %s\n got %s\nwant %s", command, got, text)
	}
}

// askJSON returns the one object that a command is answered with.
func (c *console) askJSON(command string) map[string]any {
	c.Helper()
	c.send(command + " --json\n")
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(line), &object); err != nil {
		c.Fatalf("%v: %s", err, line)
	}
	return object
}

// ended wants the end of the connection, and nothing before it.
func (c *console) ended() {
	c.Helper()
	rest, err := io.ReadAll(c.in)
	if err != nil || len(rest) > 0 {
		c.Errorf("instead of the end: %q, %v", rest, err)
	}
	c.close()
}

func (c *console) close() {
	c.Helper()
	if err := c.conn.Close(); err != nil {
		c.Error(err)
	}
}

// turns lets others run.
func (p *program) turns(n int) {
	p.Helper()
	for range n {
		if err := p.task.Yield(); err != nil {
			p.Fatal(err)
		}
	}
}

// forever waits, and ends when it is canceled.
func forever(t *corolla.Task) error { return t.Park("the end of the test") }

// number returns a task's number.
func (c *console) number(word string) string {
	c.Helper()
	lines := strings.Split(c.ask("tasks "+word), "\n")
	if len(lines) != 3 {
		c.Fatalf("tasks %s: %q", word, lines)
	}
	n, _, _ := strings.Cut(lines[1], " ")
	return n
}

func field(object map[string]any, name string, i int) map[string]any {
	return object[name].([]any)[i].(map[string]any)
}
