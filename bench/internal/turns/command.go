package turns

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Command is one comparison: a program that starts itself again in its roles.
type Command struct {
	Name  string
	About string // what --help says before the flags
	Flags func(*flag.FlagSet)
	Run   func(context.Context) error
	Roles map[string]func(args []string) error
}

// Main is all of main. It exits with 0, with 1 on failure, and with 2 on bad usage, which it
// answers with one line.
func (c Command) Main() {
	if role := strings.Fields(os.Getenv(roleEnv)); len(role) > 0 {
		c.exit(c.play(role), 1)
	}
	runtime.LockOSThread() // see start
	fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c.Flags(fs)
	switch err := fs.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf("%s\n\nFlags:\n", c.About)
		fs.SetOutput(os.Stdout)
		fs.PrintDefaults()
		c.exit(nil, 0)
	case err != nil && strings.Contains(err.Error(), "not defined"):
		c.exit(fmt.Errorf("%w; valid flags: %s", err, valid(fs)), 2)
	case err != nil:
		c.exit(err, 2)
	case fs.NArg() > 0:
		c.exit(fmt.Errorf("unexpected argument %q; valid flags: %s", fs.Arg(0), valid(fs)), 2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := c.Run(ctx)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	c.exit(err, 1)
}

func (c Command) exit(err error, status int) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", c.Name, err)
	os.Exit(status)
}

func (c Command) play(role []string) error {
	f, ok := c.Roles[role[0]]
	if !ok {
		return fmt.Errorf("no role %q", role[0])
	}
	if err := f(role[1:]); err != nil {
		return fmt.Errorf("as %s: %w", strings.Join(role, " "), err)
	}
	return nil
}

func valid(fs *flag.FlagSet) string {
	all := []string{"--help"}
	fs.VisitAll(func(f *flag.Flag) { all = append(all, "--"+f.Name) })
	return strings.Join(all, ", ")
}

// Count is a flag: a whole number, at least 1.
type Count int

func (n *Count) String() string { return strconv.Itoa(int(*n)) }

// Set is for package flag.
func (n *Count) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 {
		return errors.New("want a whole number, at least 1")
	}
	*n = Count(v)
	return nil
}

// Counts is a flag: comma-separated whole numbers, each at least 1.
type Counts []int

func (all *Counts) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*all), " ", ","), "[]")
}

// Set is for package flag.
func (all *Counts) Set(text string) error {
	*all = nil
	for part := range strings.SplitSeq(text, ",") {
		var n Count
		if err := n.Set(part); err != nil {
			return errors.New("want comma-separated whole numbers, at least 1")
		}
		*all = append(*all, int(n))
	}
	return nil
}

// Names is a flag: comma-separated names, each one of those that are valid.
type Names struct {
	Valid, Chosen []string
	Kind          string // of what they are names; "" is "server"
}

func (n *Names) String() string { return strings.Join(n.Chosen, ",") }

// Set is for package flag.
func (n *Names) Set(text string) error {
	n.Chosen = nil
	for name := range strings.SplitSeq(text, ",") {
		if !slices.Contains(n.Valid, name) {
			return fmt.Errorf("no %s %q; valid: %s", cmp.Or(n.Kind, "server"), name, strings.Join(n.Valid, ","))
		}
		if n.Has(name) {
			return fmt.Errorf("%s is named twice; valid: %s, each once", name, strings.Join(n.Valid, ","))
		}
		n.Chosen = append(n.Chosen, name)
	}
	return nil
}

// Has reports whether a name was chosen.
func (n *Names) Has(name string) bool { return slices.Contains(n.Chosen, name) }
