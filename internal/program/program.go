// Package program is the command corolla, which shows what package corolla does: it runs the talk's job in every
// model, serves, and looks into running programs. It is built twice: cmd/corolla is light, and cluster/cmd/corolla,
// in a module of its own, is the same with clusters built in.
package program

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/corolla-go/corolla/examples/talk"
)

// Exit statuses.
const (
	statusOK     = 0
	statusFailed = 1
	statusUsage  = 2
)

type command struct {
	name string
	what string
	run  func(c *console, args []string) error
}

var commands = []command{
	{"talk", "send a lot of data while there is counting to do, in every model, and compare", runTalk},
	{"serve", "run an example server in a model of your choice", runServe},
	{"attach", "look into a running program that has opened a backdoor", runAttach},
}

// Main runs the command that the program's arguments name, and ends the program. cluster is nil where that is not
// built in.
func Main(cluster Cluster) {
	talk.Worker()
	os.Exit(run(os.Args[1:], &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, cluster: cluster}))
}

// console is what a command reads and writes, and what it may have besides.
type console struct {
	in       io.Reader
	out, err io.Writer
	cluster  Cluster
}

// watched reports whether a person sees what is written to w.
func watched(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// usageError is a mistake in the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errSilent is a failure that has been reported already.
var errSilent = errors.New("failed")

func run(args []string, c *console) int {
	err := dispatch(args, c)
	var usage usageError
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &usage):
		fmt.Fprintln(c.err, usage.text)
		return statusUsage
	case err != errSilent:
		fmt.Fprintln(c.err, err)
	}
	return statusFailed
}

func dispatch(args []string, c *console) error {
	if len(args) == 0 {
		return usagef("corolla: which command? one of: %s (corolla --help says more)", names())
	}
	name, rest := args[0], args[1:]
	switch name {
	case "-h", "-help", "--help", "help":
		if len(rest) == 0 {
			return help(c)
		}
		name, rest = rest[0], []string{"--help"}
	}
	i := slices.IndexFunc(commands, func(k command) bool { return k.name == name })
	switch {
	case i < 0 && strings.HasPrefix(name, "-"):
		return usagef("corolla: unknown option %s; options: --help, and each command has its own, after its name", name)
	case i < 0:
		return usagef("corolla: unknown command %s; one of: %s", quoted(name), names())
	}
	err := commands[i].run(c, rest)
	var usage usageError
	if err == nil || err == errSilent || errors.As(err, &usage) {
		return err
	}
	return fmt.Errorf("corolla %s: %w", name, err)
}

func names() string {
	var all []string
	for _, k := range commands {
		all = append(all, k.name)
	}
	return strings.Join(all, ", ")
}

func help(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla COMMAND [options]

Corolla is an event loop for Go with many ways to write programs on it: callbacks, protocols,
tasks, Deferreds, green threads, generators. This command shows them at work.

Commands:
`)
	for _, k := range commands {
		fmt.Fprintf(&w, "  %-6s  %s\n", k.name, k.what)
	}
	fmt.Fprint(&w, `
corolla COMMAND --help lists the options of a command.

Examples:
  corolla talk
  corolla serve echo --model green

Exit status: 0 if all went well, 1 if something failed or was interrupted, 2 if the command
line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}
