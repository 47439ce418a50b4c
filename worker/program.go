package worker

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// programPath returns where this program is, by the name that it was started under: os.Executable would follow a
// symbolic link, and so never come to a new version that the link is changed to.
func programPath() (string, error) {
	name, err := exec.LookPath(os.Args[0])
	if err != nil {
		return os.Executable()
	}
	return filepath.Abs(name) // now, as the folder may be another one later
}

// program is a version of the program. While its file is open, it can be started even if another file has its
// name by now, or none.
type program struct {
	name string
	file *os.File // nil if it cannot be started that way: a script, or another system than Linux
}

func openProgram(name string) (*program, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "\x7fELF" || runtime.GOOS != "linux" {
		_ = f.Close()
		f = nil
	}
	return &program{name, f}, nil
}

// path returns what to start. The process that is to become a worker has the parent's descriptors until it has
// become that.
func (p *program) path() string {
	if p.file == nil {
		return p.name
	}
	return fmt.Sprintf("/proc/self/fd/%d", p.file.Fd())
}

func (p *program) close() {
	if p != nil && p.file != nil {
		_ = p.file.Close()
	}
}
