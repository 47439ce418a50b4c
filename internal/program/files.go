package program

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla"
)

// files holds the options of serve files.
type files struct {
	place
}

func (f *files) options() []option { return f.place.options("127.0.0.1:8080") }

func runFiles(c *console, args []string) error {
	var f files
	rest, err := parse("serve files", f.options(), args)
	switch {
	case err == errHelp:
		return helpFiles(c)
	case err != nil:
		return err
	case len(rest) == 0:
		return usagef("corolla serve files: which directory? corolla serve files DIR")
	case len(rest) > 1:
		return usagef("corolla serve files: unexpected argument %s", quoted(rest[1]))
	}
	root, err := os.OpenRoot(rest[0])
	if err != nil {
		return err
	}
	defer root.Close()
	s := site{place: f.place, setup: func(l *corolla.Loop, s *site) {
		s.handler = http.FileServer(&tree{l, root})
	}}
	return s.serve(c)
}

func helpFiles(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla serve files DIR [options]

Serves the files of a directory over HTTP until SIGINT or SIGTERM, all of them, hidden ones
too; a symbolic link that leads out of it is not followed. Directories are listed unless they
have an index.html. It prints the address once it listens, and logs each request on the
standard error.

Options:
`)
	helpOptions(&w, new(files).options())
	fmt.Fprint(&w, `
Example:
  corolla serve files ~/public --addr 127.0.0.1:8080 &
  curl http://127.0.0.1:8080/

After the first SIGINT or SIGTERM requests have 10 seconds to end, after a second one none.

Exit status: 0 after SIGINT or SIGTERM, 1 if it could not listen, or failed, 2 if the
command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

// tree is the directory that is served. What may wait for a disk is done off the loop; the contents of
// files are sent by the system.
type tree struct {
	loop *corolla.Loop
	root *os.Root
}

// Open opens a file for the handler that is running.
func (f *tree) Open(name string) (http.File, error) {
	name = filepath.FromSlash(strings.TrimPrefix(path.Clean("/"+name), "/"))
	if name == "" {
		name = "."
	}
	// If the handler is canceled the file is closed when it is collected.
	open, err := corolla.Offload(f.loop, func() (opened, error) { return f.open(name) }).Await(f.loop.Current())
	switch {
	case err != nil:
		return nil, missing(err)
	case open.directory:
		return &directory{open.File, f.loop}, nil
	}
	return open.File, nil
}

type opened struct {
	*os.File
	directory bool
}

func (f *tree) open(name string) (opened, error) {
	info, err := f.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = fs.ErrPermission // opening a pipe may wait for ever
	}
	if err != nil {
		return opened{}, err
	}
	file, err := f.root.Open(name)
	return opened{file, info.IsDir()}, err
}

// missing makes those errors "not found" which say that there is no such file in the tree: a path through
// a file, or out of the tree, for which os.Root has an error of its own.
func missing(err error) error {
	var number syscall.Errno
	if !errors.As(err, &number) && errors.As(err, new(*fs.PathError)) && !errors.Is(err, fs.ErrPermission) ||
		number == syscall.ENOTDIR || number == syscall.ENAMETOOLONG || number == syscall.ELOOP {
		return fs.ErrNotExist
	}
	return err
}

// directory is one that is read off the loop.
type directory struct {
	*os.File
	loop *corolla.Loop
}

func (d *directory) ReadDir(n int) ([]fs.DirEntry, error) {
	return corolla.Offload(d.loop, func() ([]fs.DirEntry, error) { return d.File.ReadDir(n) }).Await(d.loop.Current())
}
