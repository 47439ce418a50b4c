package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/corolla-go/corolla"
)

// people is what is known: what the file said last, and what the news have said since.
type people struct {
	path   string
	before string // what the file said
	status map[string]string
}

// read reads the file on another goroutine, as a disk may make one wait. A file that has not changed does
// not undo the news, and one that is not there is no reason to end.
func (p *people) read(t *corolla.Task) error {
	b, err := corolla.Offload(t.Loop(), func() ([]byte, error) { return os.ReadFile(p.path) }).Await(t)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if text := string(b); err == nil && text != p.before {
		p.before = text
		for line := range strings.Lines(text) {
			if name, status, ok := strings.Cut(line, ":"); ok {
				p.status[strings.TrimSpace(name)] = strings.TrimSpace(status)
			}
		}
	}
	return err
}
