// Package process runs other programs from a loop, with their input and output as connections, in
// task style (Start, Run) or in push style (Spawn).
//
//	p, err := process.Start(t, process.Command{Path: "sort", Stdin: process.Pipe, Stdout: process.Pipe})
//	…
//	for line, err := range p.Stdout.Lines(t) { … }
//	err = p.Wait(t)
//
// A program is started on another goroutine, since that may block. Processes still running when the
// loop is closed are killed. A simulated loop cannot run any: the error wraps
// errors.ErrUnsupported.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// Command says what to run, and with what. Only Path must be set.
type Command struct {
	Path string   // a name, looked up in PATH, or a path, relative to Dir
	Args []string // without the program's name
	Name string   // what the program is told that it is called; empty means Path
	Env  []string // as "KEY=value"; nil means this program's own
	Dir  string   // where it runs; empty means this program's own
	User string   // a name or a number, which this program must be allowed to become; empty means its own

	Stdin, Stdout, Stderr Stream
	Files                 []*os.File // descriptors 3, 4 and so on; the caller still owns them

	// Terminal gives the process a controlling terminal, in place of Stdin, Stdout and Stderr. The
	// connection named Terminal is the other end, on which the terminal echoes what is written to
	// it, and ends lines with "\r\n".
	Terminal      bool
	Rows, Columns int // of the terminal; 0 means 24 and 80

	// Group puts the process and its descendants into a process group. Signal and Kill then go to
	// all of them, even when the process itself has ended and others live on.
	Group bool

	// Grace is how long the process gets between SIGTERM and SIGKILL when the task waiting for it
	// is canceled. 0 means SIGKILL at once. The rest of a Group is killed when the process itself
	// has ended.
	Grace time.Duration

	// MaxOutput is how many bytes of each output Run accepts: DefaultMaxOutput if 0.
	MaxOutput int
}

// Stream says what one of a process's standard streams is.
type Stream struct {
	kind kind
	file *os.File
}

type kind uint8

const (
	null kind = iota
	pipe
	inherit
	merge
	file
)

var (
	// Null is /dev/null, the default of a Command's streams.
	Null = Stream{kind: null}
	// Pipe is a connection to this program.
	Pipe = Stream{kind: pipe}
	// Inherit is this program's own stream.
	Inherit = Stream{kind: inherit}
	// Merge, for Stderr only, is whatever Stdout is.
	Merge = Stream{kind: merge}
)

// File is an open file, which the caller still owns.
func File(f *os.File) Stream { return Stream{kind: file, file: f} }

var errNoPath = errors.New("no Path")

// check returns an error for a Command that cannot work.
func (c *Command) check(l *corolla.Loop) error {
	switch {
	case l.Simulated():
		return fmt.Errorf("a process on a simulated machine: %w", errors.ErrUnsupported)
	case c.Path == "":
		return errNoPath
	case c.Stdin.kind == merge || c.Stdout.kind == merge:
		return errors.New("only Stderr can be Merge")
	case c.Terminal && (c.Stdin.kind != null || c.Stdout.kind != null || c.Stderr.kind != null):
		return errors.New("with a Terminal, leave Stdin, Stdout and Stderr unset")
	case c.Rows < 0 || c.Columns < 0 || c.MaxOutput < 0 || c.Grace < 0:
		return errors.New("negative Rows, Columns, MaxOutput or Grace")
	}
	files := slices.Clone(c.Files)
	for _, s := range [...]Stream{c.Stdin, c.Stdout, c.Stderr} {
		if s.kind == file {
			files = append(files, s.file)
		}
	}
	for _, f := range files {
		if err := open(f); err != nil {
			return err
		}
	}
	return nil
}

// open returns an error unless a file is open.
func open(f *os.File) error {
	if f == nil {
		return errors.New("a file is nil")
	}
	raw, err := f.SyscallConn()
	if err == nil && raw.Control(func(uintptr) {}) != nil {
		err = os.ErrClosed // the only possible reason; Control's error wraps nothing
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return nil
}

// ends are the two sides of a process's descriptors.
type ends struct {
	child  []*os.File // 0, 1, 2, …: what it gets
	close  []*os.File // those of child that are ours to close once it has them
	parent [3]*os.File
}

// streams opens the process's standard streams, except for a terminal.
func (c *Command) streams() (e ends, err error) {
	for fd, s := range [...]Stream{c.Stdin, c.Stdout, c.Stderr} {
		var f *os.File
		switch s.kind {
		case null:
			if f, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
				e.close = append(e.close, f)
			}
		case pipe:
			f, err = e.pipe(fd)
		case inherit:
			f = [...]*os.File{os.Stdin, os.Stdout, os.Stderr}[fd]
		case merge:
			f = e.child[1]
		case file:
			f = s.file
		}
		if err != nil {
			e.closeAll()
			return ends{}, err
		}
		e.child = append(e.child, f)
	}
	return e, nil
}

func (e *ends) pipe(fd int) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if fd == 0 {
		e.parent[0] = w
		e.close = append(e.close, r)
		return r, nil
	}
	e.parent[fd] = r
	e.close = append(e.close, w)
	return w, nil
}

// closeAll closes what is ours. Nothing has been written, so errors do not matter.
func (e *ends) closeAll() {
	for _, f := range e.close {
		_ = f.Close()
	}
	for _, f := range e.parent {
		if f != nil {
			_ = f.Close()
		}
	}
}

// start runs the program. It blocks, so it is called on another goroutine.
func (c *Command) start(terminal *os.File) (p *os.Process, parent [3]*os.File, err error) {
	path := c.Path
	if filepath.Base(path) == path { // else it is relative to Dir
		if path, err = exec.LookPath(path); err != nil {
			return nil, parent, bare(err)
		}
	}
	attr, err := c.attributes()
	if err != nil {
		return nil, parent, err
	}
	e := ends{child: []*os.File{terminal, terminal, terminal}}
	if terminal == nil {
		if e, err = c.streams(); err != nil {
			return nil, parent, err
		}
	}
	name := c.Name
	if name == "" {
		name = c.Path
	}
	ours.RLock()
	p, err = os.StartProcess(path, append([]string{name}, c.Args...), &os.ProcAttr{
		Dir: c.Dir, Env: c.Env, Files: append(e.child, c.Files...), Sys: attr,
	})
	if err == nil {
		remember(p)
	}
	ours.RUnlock()
	if err != nil {
		e.closeAll()
		return nil, parent, c.blame(path, err)
	}
	for _, f := range e.close {
		_ = f.Close()
	}
	return p, e.parent, nil
}

// blame finds out which path an error from starting the program is about. The system does not say.
func (c *Command) blame(path string, err error) error {
	if c.Dir != "" {
		at, e := os.Stat(c.Dir)
		if e == nil && !at.IsDir() {
			e = syscall.ENOTDIR
		}
		if e != nil {
			return &os.PathError{Op: "chdir", Path: c.Dir, Err: bare(e)}
		}
	}
	var at *os.PathError
	if errors.As(err, &at) && at.Path == path {
		err = at.Err
	}
	return err
}

// bare strips the wrapping that names the program, because whatever reports the error names it.
func bare(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return err
}
