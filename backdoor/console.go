package backdoor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

const (
	maxConsoles = 16
	maxLine     = 1024             // bytes of a command, with its end
	patience    = 30 * time.Second // with a peer that does not read
	maxRows     = 20               // of a list, for a screen
	maxJSON     = 10_000           // of a list, for a program
)

// board is what the consoles of a door share: the tasks' numbers, so that a number shown on one
// connection is good on the next. A task gets one when it is first shown, and none is reused.
// Having the loop number every task that starts was rejected: programs that never look would pay
// for it, and the numbers would have many digits.
type board struct {
	loop    *corolla.Loop
	numbers map[*corolla.Task]int
	tasks   map[int]*corolla.Task
	last    int
}

// known returns the number that a task has, or 0.
func (b *board) known(t *corolla.Task) int { return b.numbers[t] }

// number returns a task's number, giving it one if need be. It is 0 for nil.
func (b *board) number(t *corolla.Task) int {
	if t == nil {
		return 0
	}
	n := b.numbers[t]
	if n == 0 {
		b.last++
		n = b.last
		b.numbers[t], b.tasks[n] = n, t
		t.OnEnd(func() {
			delete(b.numbers, t)
			delete(b.tasks, n)
		})
	}
	return n
}

// console serves one connection.
func (b *board) console(t *corolla.Task, c *aio.Conn) error {
	r := bufio.NewReaderSize(c.Bind(t), maxLine)
	for {
		line, err := r.ReadSlice('\n')
		asked := &call{board: b, task: t, most: maxRows}
		asked.parse(string(line))
		long := err == bufio.ErrBufferFull
		for err == bufio.ErrBufferFull {
			_, err = r.ReadSlice('\n')
		}
		if err != nil && (err != io.EOF || len(line) == 0) {
			return err
		}
		var a answer
		switch {
		case long:
			a = failf("a line of more than %d bytes", maxLine)
		case asked.name == "":
			continue
		case asked.name == "quit":
			return nil
		default:
			a = asked.run()
		}
		if err := reply(t, c, a, asked.json); err != nil {
			return err
		}
	}
}

// reply sends an answer. A peer that does not read it is dropped, along with what the connection
// holds.
func reply(t *corolla.Task, c *aio.Conn, a answer, asJSON bool) error {
	var out bytes.Buffer
	if asJSON {
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(a); err != nil {
			return err
		}
	} else {
		a.text(&out)
		out.WriteByte('\n')
	}
	err := t.Timeout(patience, func(*corolla.Scope) error {
		_, err := c.Write(t, out.Bytes())
		return err
	})
	if err != nil {
		_ = c.Abort() // or it is lost already
	}
	return err
}

// call is one command, as it was given.
type call struct {
	*board
	task *corolla.Task // the console's own
	name string
	arg  string
	many bool // there was more than one argument
	json bool
	most int // rows of a list
}

// parse reads a line, which may have no command in it.
func (c *call) parse(line string) {
	for _, word := range strings.Fields(line) {
		switch {
		case word == "--json":
			c.json, c.most = true, maxJSON
		case c.name == "":
			c.name = word
		case c.arg == "":
			c.arg = word
		default:
			c.many = true
		}
	}
	if c.name == "" && c.json {
		c.name = "--json" // which is not a command
	}
}

// command is one of the commands of a console.
type command struct {
	name string
	arg  string // its name; in brackets if it is optional
	what string
	run  func(c *call) answer
}

func commands() []command {
	return []command{
		{"help", "", "list the commands", (*call).help},
		{"tasks", "[WORD]", "list the tasks, including green threads, oldest first", (*call).listTasks},
		{"task", "N", "describe a task", (*call).describe},
		{"stack", "N", "show where a task is", (*call).stack},
		{"timers", "[WORD]", "list the timers, the next first", (*call).listTimers},
		{"sockets", "[WORD]", "list the sockets, who waits for them, and their unsent bytes", (*call).listSockets},
		{"jobs", "", "list the workers, and what runs on other goroutines", (*call).listJobs},
		{"loop", "", "count what the loop holds, and time a few of its turns", (*call).describeLoop},
		{"kill", "N", "cancel a task", (*call).kill},
		{"quit", "", "end the console", nil},
	}
}

func (c *call) run() answer {
	var names []string
	for _, k := range commands() {
		switch {
		case k.name != c.name:
			names = append(names, k.name)
		case c.many, c.arg != "" && k.arg == "", c.arg == "" && k.arg == "N":
			return failf("wrong arguments to %s; usage: %s", k.name, usage(k))
		default:
			return k.run(c)
		}
	}
	return failf("unknown command %s; one of: %s", short(c.name), strings.Join(names, ", "))
}

func usage(k command) string { return strings.TrimSpace(k.name + " " + k.arg) }

// given returns the task whose number was given.
func (c *call) given() (*corolla.Task, answer) {
	n, err := strconv.Atoi(c.arg)
	if t := c.tasks[n]; err == nil && t != nil {
		return t, nil
	}
	return nil, failf("no task %s; tasks lists them with their numbers", short(c.arg))
}

// short is a word from the peer, cut and quoted to be shown to it.
func short(word string) string {
	if len(word) > 40 {
		word = word[:40] + "…"
	}
	return strconv.Quote(word)
}
