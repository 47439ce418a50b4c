package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// The client of package backdoor. It sends a line, prints the answer and only then reads the next
// line, so that an answer stands below its command, and a pipe can be fed at any speed. Line
// editing is the terminal's own; history was left out, because rlwrap provides it.

// attachment holds the options and the address of attach.
type attachment struct {
	network, addr string
	json          bool
}

func (a *attachment) options() []option {
	return []option{
		{"json", "", "", "answer each command with one JSON object, in one line", on(&a.json)},
	}
}

func runAttach(c *console, args []string) error {
	var a attachment
	rest, err := parse("attach", a.options(), args)
	switch {
	case err == errHelp:
		return helpAttach(c)
	case err != nil:
		return err
	case len(rest) == 0:
		return usagef("corolla attach: where to? HOST:PORT, or the path of a Unix socket")
	case len(rest) > 1:
		return usagef("corolla attach: unexpected argument %s; commands are read from the standard input", quoted(rest[1]))
	}
	if complaint := doorAddress(&a.network, &a.addr)(rest[0]); complaint != "" {
		return usagef("corolla attach: %s: %s", quoted(rest[0]), complaint)
	}
	return attach(c, a)
}

func helpAttach(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla attach [options] ADDRESS

Looks into a program that has opened a backdoor (package backdoor): its tasks and green threads,
where they are and what they wait for, its timers, sockets and jobs. Commands are read from the
standard input, one per line; help lists them. ADDRESS is HOST:PORT, or the path of a Unix
socket, with a / in it.

Options:
`)
	helpOptions(&w, new(attachment).options())
	fmt.Fprint(&w, `
Example:
  corolla serve echo --backdoor ./door.sock &
  corolla attach ./door.sock
  echo tasks | corolla attach --json ./door.sock

Exit status: 0 at the end of the input, and after quit, SIGINT or SIGTERM; 1 if it could not
connect, or the program has ended the connection, or the input is not a terminal and a command
in it was answered with an error; 2 if the command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

// doorAddress takes a backdoor's address.
func doorAddress(network, to *string) func(string) string {
	return func(text string) string {
		*network, *to = "unix", text
		if strings.Contains(text, "/") {
			return ""
		}
		*network = "tcp"
		return unless(hostPort(to, 0)(text) == "", "neither HOST:PORT nor the path of a Unix socket, with a / in it")
	}
}

const (
	maxCommand = 64 << 10 // bytes of a line that is read; the backdoor takes less
	maxAnswer  = 64 << 20 // bytes of a line that comes back
)

func attach(c *console, a attachment) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var d net.Dialer
	conn, err := d.DialContext(ctx, a.network, a.addr)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		var reason syscall.Errno
		if errors.As(err, &reason) {
			err = fmt.Errorf("dial %s: %w", a.addr, reason)
		}
		return err
	}
	defer conn.Close()
	s := &session{
		attachment: a, ctx: ctx, conn: conn, out: c.out,
		commands: linesOf(ctx, c.in, maxCommand), answers: linesOf(ctx, conn, maxAnswer),
		person: typed(c.in) && watched(c.out),
	}
	if s.person {
		fmt.Fprintf(c.out, "attached to %s; help lists the commands\n", a.addr)
	}
	return s.run()
}

// typed reports whether a person types what is read from r.
func typed(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && watched(f)
}

// lines is text as it arrives. Once c is closed, err says what ended it, and is nil at a normal
// end.
type lines struct {
	c   chan string
	err error
}

func linesOf(ctx context.Context, r io.Reader, most int) *lines {
	l := &lines{c: make(chan string)}
	go func() {
		defer close(l.c)
		sc := bufio.NewScanner(r)
		sc.Buffer(nil, most)
		for sc.Scan() {
			select {
			case l.c <- sc.Text():
			case <-ctx.Done():
				return
			}
		}
		l.err = sc.Err()
	}()
	return l
}

// session is one connection to a backdoor.
type session struct {
	attachment
	ctx               context.Context
	conn              net.Conn
	out               io.Writer
	commands, answers *lines
	person            bool
	asked             bool // a command was answered
	failed            bool // one of the answers is an error
}

// Why a session ends although nothing is wrong, besides io.EOF at the end of the commands.
var (
	errInterrupted = errors.New("interrupted")
	errQuit        = errors.New("quit")
)

func (s *session) run() error {
	err := s.next()
	for err == nil {
		err = s.next()
	}
	switch err {
	case io.EOF, errInterrupted:
		if s.person {
			fmt.Fprintln(s.out) // the shell's prompt wants a line of its own
		}
	case errQuit:
	default:
		return err
	}
	if s.failed && !s.person && err != errInterrupted {
		return errSilent // the answer was printed
	}
	return nil
}

// next sends the next command and prints its answer.
func (s *session) next() error {
	if s.person {
		fmt.Fprint(s.out, "> ")
	}
	select {
	case <-s.ctx.Done():
		return errInterrupted
	case line, ok := <-s.answers.c: // unasked for: it says why the session is over
		if !ok {
			return s.gone()
		}
		return s.print(line)
	case line, ok := <-s.commands.c:
		switch {
		case ok:
			return s.ask(strings.Fields(line))
		case s.commands.err != nil:
			return fmt.Errorf("reading commands: %w", s.commands.err)
		}
		return io.EOF
	}
}

// ask sends a command and prints the answer.
func (s *session) ask(words []string) error {
	if len(words) == 0 {
		return nil
	}
	quit := words[0] == "quit"
	if s.json {
		words = append([]string{"--json"}, words...)
	}
	object := slices.Contains(words, "--json") // not ended by an empty line
	// If that fails the connection is over, and the answers end, perhaps with a reason.
	_, _ = fmt.Fprintln(s.conn, strings.Join(words, " "))
	for first := true; ; first = false {
		select {
		case <-s.ctx.Done():
			return errInterrupted
		case line, ok := <-s.answers.c:
			switch {
			case !ok && quit:
				return errQuit
			case !ok:
				return s.gone()
			case first:
				s.failed = s.failed || strings.HasPrefix(line, "error: ") || strings.HasPrefix(line, `{"error":`)
				if s.asked && !s.person && !object {
					line = "\n" + line // an empty line between two answers
				}
				s.asked = true
			case line == "":
				return nil
			}
			if err := s.print(line); err != nil || object {
				return err
			}
		}
	}
}

func (s *session) print(line string) error {
	_, err := fmt.Fprintln(s.out, line)
	return err
}

// gone says why no more answers come.
func (s *session) gone() error {
	if errors.Is(s.answers.err, bufio.ErrTooLong) {
		return fmt.Errorf("%s has sent a line of more than %d MiB", s.addr, maxAnswer>>20)
	}
	return fmt.Errorf("%s has ended the connection", s.addr)
}
