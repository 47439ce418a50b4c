// Command corolla shows what package corolla does: it runs the talk's job in every model,
// and serves.
package main

import (
	"errors"
	"flag"
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
	{"talk", "send much data while there is counting to do, in every model", runTalk},
	{"serve", "run an example server in a model of your choice", runServe},
}

func main() {
	talk.Worker()
	os.Exit(run(os.Args[1:], &console{out: os.Stdout, err: os.Stderr}))
}

// console is what a command writes to.
type console struct {
	out, err io.Writer
}

// watched reports whether a person sees what is written to w.
func watched(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// usageError is a mistake in the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errSilent is a failure of which everything has been said.
var errSilent = errors.New("failed")

func run(args []string, c *console) int {
	err := dispatch(args, c)
	var usage usageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
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
	switch args[0] {
	case "-h", "-help", "--help", "help":
		help(c.out)
		return nil
	}
	i := slices.IndexFunc(commands, func(k command) bool { return k.name == args[0] })
	if i < 0 {
		return usagef("corolla: unknown command %q; one of: %s", args[0], names())
	}
	return commands[i].run(c, args[1:])
}

func names() string {
	var all []string
	for _, k := range commands {
		all = append(all, k.name)
	}
	return strings.Join(all, ", ")
}

func help(w io.Writer) {
	fmt.Fprint(w, "Usage: corolla COMMAND [options]\n\nCommands:\n")
	for _, k := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", k.name, k.what)
	}
	fmt.Fprint(w, "\ncorolla COMMAND --help says more. Exit status: 0 all went well, 1 something failed, 2 wrong usage.\n")
}

// parse reads a command's flags. A mistake is answered with one line that names what
// is valid.
func parse(fs *flag.FlagSet, c *console, usage string, args []string) error {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(c.out, usage, "\nOptions:\n")
		fs.VisitAll(func(f *flag.Flag) { printFlag(c.out, f) })
		return err
	}
	if err != nil {
		var valid []string
		fs.VisitAll(func(f *flag.Flag) { valid = append(valid, "--"+f.Name) })
		text := strings.Replace(err.Error(), "flag provided but not defined: -", "unknown option --", 1)
		return usagef("corolla %s: %s; options: %s", fs.Name(), text, strings.Join(valid, ", "))
	}
	return nil
}

func printFlag(w io.Writer, f *flag.Flag) {
	kind, text := flag.UnquoteUsage(f)
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
		text += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(w, "  %-22s %s\n", strings.TrimSpace("--"+f.Name+" "+kind), text)
}
