package program

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The options of a command. Package flag was rejected for its messages, which name neither
// what an option takes nor the option as it was typed.

// option is one option of a command.
type option struct {
	name  string
	value string // what the help calls its value; an option without one is on or off
	def   string // the value unless given; set is called with it too
	what  string
	set   func(text string) (complaint string)
}

// errHelp says that help was asked for.
var errHelp = errors.New("help")

// parse reads the arguments of a command and returns those that are not options. It understands
// --name value, --name=value, one dash for two, -- for the end of the options, and --help.
func parse(command string, options []option, args []string) (rest []string, err error) {
	fail := func(format string, a ...any) ([]string, error) {
		return nil, usagef("corolla "+command+": "+format, a...)
	}
	for _, o := range options {
		if o.def != "" {
			if complaint := o.set(o.def); complaint != "" {
				panic(fmt.Sprintf("--%s: the default %s: %s", o.name, o.def, complaint))
			}
		}
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return append(rest, args...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		if name == "help" || name == "h" {
			return nil, errHelp
		}
		o, ok := find(options, name)
		switch {
		case !ok:
			return fail("unknown option %s; options: %s", strings.SplitN(arg, "=", 2)[0], optionNames(options))
		case o.value == "" && given:
			return fail("--%s takes no value", name)
		case o.value != "" && !given && len(args) == 0:
			return fail("--%s needs a value: --%s %s", name, name, o.value)
		case o.value != "" && !given:
			value, args = args[0], args[1:]
		}
		if complaint := o.set(value); complaint != "" {
			return fail("--%s %s: %s", name, quoted(value), complaint)
		}
	}
	return rest, nil
}

func find(options []option, name string) (option, bool) {
	for _, o := range options {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

func optionNames(options []option) string {
	var names []string
	for _, o := range options {
		names = append(names, "--"+o.name)
	}
	return strings.Join(names, ", ")
}

// quoted returns a value as it was typed, or quoted if that would be unreadable.
func quoted(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || !strconv.IsPrint(r) }) {
		return strconv.Quote(value)
	}
	return value
}

// helpOptions lists the options, with their defaults.
func helpOptions(w io.Writer, options []option) {
	options = append(options[:len(options):len(options)], option{name: "help", what: "print this"})
	width := 0
	left := func(o option) string { return strings.TrimSpace("--" + o.name + " " + o.value) }
	for _, o := range options {
		width = max(width, utf8.RuneCountInString(left(o)))
	}
	for _, o := range options {
		def := ""
		if o.def != "" {
			def = " (default " + o.def + ")"
		}
		fmt.Fprintf(w, "  %-*s  %s%s\n", width, left(o), o.what, def)
	}
}

// on sets a switch.
func on(to *bool) func(string) string {
	return func(string) string {
		*to = true
		return ""
	}
}

// fileName takes any text but an empty one.
func fileName(to *string) func(string) string {
	return func(text string) string {
		*to = text
		return unless(text != "", "not the name of a file")
	}
}

// whole takes a whole number.
func whole(to *int, unit string, least, most int) func(string) string {
	return func(text string) string {
		n, err := strconv.Atoi(text)
		*to = n
		return unless(err == nil && n >= least && n <= most,
			"not a whole number of %s from %d to %d", unit, least, most)
	}
}

// number takes any number.
func number(to *float64, unit string, least, most float64) func(string) string {
	return func(text string) string {
		n, err := strconv.ParseFloat(text, 64)
		*to = n
		return unless(err == nil && n >= least && n <= most, "not a number of %s from %g to %g", unit, least, most)
	}
}

// hostPort takes a TCP address.
func hostPort(to *string, least int) func(string) string {
	return func(text string) string {
		*to = text
		_, port, err := net.SplitHostPort(text)
		n, e := strconv.ParseUint(port, 10, 16)
		return unless(err == nil && e == nil && int(n) >= least,
			"not HOST:PORT with a port from %d to 65535", least)
	}
}

func unless(ok bool, complaint string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(complaint, args...)
}
