package conformance_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFrameworks runs the real frameworks, three times each, and fails if one does not print what is
// stored. The first line of a trace is the version it is from, which is not compared.
func TestFrameworks(t *testing.T) {
	if *python == "" {
		t.Skip("run with -python python3, or make conformance")
	}
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := startRunner(t, f.modules)
			for _, s := range f.scenarios {
				t.Run(s.Name, func(t *testing.T) { r.compare(t, filepath.Join(f.name, s.Name)) })
			}
		})
	}
}

// runner is a process that runs Python programs.
type runner struct {
	to   io.WriteCloser
	from *bufio.Reader
}

// startRunner starts a process that has imported modules, which ends with the test.
func startRunner(t *testing.T, modules []string) *runner {
	cmd := exec.CommandContext(t.Context(), *python, append([]string{"runner.py"}, modules...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0")
	cmd.Stderr = os.Stderr
	to, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		to.Close()
		_ = cmd.Wait() // what it printed was looked at
	})
	return &runner{to, bufio.NewReader(from)}
}

func (r *runner) compare(t *testing.T, path string) {
	printed := r.print(t, path+".py")
	for range 2 {
		if again := r.print(t, path+".py"); again != printed {
			t.Fatalf("%s.py prints\n%s\nand then\n%s", path, printed, again)
		}
	}
	if *update {
		if err := os.WriteFile(path+".trace", []byte(printed), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	head, now, _ := strings.Cut(printed, "\n")
	stored, want, _ := read(t, path+".trace")
	if now != want {
		t.Errorf("%s prints\n%s\nstored is, from %s,\n%s", head, now, stored, want)
	}
}

// print returns what a program prints.
func (r *runner) print(t *testing.T, file string) string {
	if _, err := fmt.Fprintln(r.to, file); err != nil {
		t.Fatal(err)
	}
	head, err := r.from.ReadString('\n')
	if err != nil {
		t.Fatalf("the runner of %s: %v", file, err)
	}
	var status, out, errs int
	if _, err := fmt.Sscan(head, &status, &out, &errs); err != nil {
		t.Fatalf("the runner of %s: %q: %v", file, head, err)
	}
	text := make([]byte, out+errs)
	if _, err := io.ReadFull(r.from, text); err != nil {
		t.Fatalf("the runner of %s: %v", file, err)
	}
	if status != 0 {
		t.Fatalf("%s: exit status %d\n%s", file, status, bytes.TrimSpace(text[out:]))
	}
	return string(text[:out])
}
