package conformance_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/conformance/scenario"
)

// TestFrameworks runs the real frameworks, three times each, and fails if one does not print what is
// stored. The first line of a trace is the version it is from, which is not compared.
func TestFrameworks(t *testing.T) {
	if *python == "" {
		t.Skip("run with -python python3, or make conformance")
	}
	each(t, func(t *testing.T, path string, s scenario.Scenario) {
		t.Parallel()
		printed := runPython(t, path+".py")
		for range 2 {
			if again := runPython(t, path+".py"); again != printed {
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
	})
}

func runPython(t *testing.T, file string) string {
	cmd := exec.Command(*python, filepath.Base(file))
	cmd.Dir = filepath.Dir(file)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", *python, file, err, &stderr)
	}
	return stdout.String()
}
