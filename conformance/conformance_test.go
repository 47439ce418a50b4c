package conformance_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/asyncio"
	"github.com/corolla-go/corolla/conformance/generators"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

var (
	python = flag.String("python", "", "run the real frameworks with this `interpreter` and compare them with the stored traces")
	update = flag.Bool("update", false, "write what is stored anew")
)

// frameworks are the folders, and what each has.
var frameworks = []struct {
	name      string
	scenarios []scenario.Scenario
}{
	{"asyncio", asyncio.Scenarios},
	{"generators", generators.Scenarios},
}

func TestMain(m *testing.M) { leaktest.Main(m) }

// each runs test for every scenario.
func each(t *testing.T, test func(t *testing.T, path string, s scenario.Scenario)) {
	for _, f := range frameworks {
		for _, s := range f.scenarios {
			t.Run(f.name+"/"+s.Name, func(t *testing.T) { test(t, filepath.Join(f.name, s.Name), s) })
		}
	}
}

// read returns the first line of a stored trace and the rest. ok is false if there is none.
func read(t *testing.T, file string) (head, trace string, ok bool) {
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return "", "", false
	} else if err != nil {
		t.Fatal(err)
	}
	head, trace, _ = strings.Cut(string(b), "\n")
	if !strings.HasPrefix(head, "# ") {
		t.Fatalf("%s does not begin with a line that says where it is from", file)
	}
	return head, trace, true
}

// difference is the first line of a NAME.differs.
var difference = regexp.MustCompile(`^# difference (\d+): .`)

// differences returns the numbers of those that docs/differences.md declares.
func differences(t *testing.T) map[string]bool {
	page, err := os.ReadFile("../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	numbers, last := map[string]bool{}, 0
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllSubmatch(page, -1) {
		n, _ := strconv.Atoi(string(row[1]))
		if n <= last {
			t.Errorf("docs/differences.md has row %d behind row %d", n, last)
		}
		numbers[string(row[1])], last = true, n
	}
	return numbers
}

func TestTwins(t *testing.T) {
	declared := differences(t)
	each(t, func(t *testing.T, path string, s scenario.Scenario) {
		_, theirs, ok := read(t, path+".trace")
		if !ok {
			t.Fatalf("%s.trace is missing: make conformance-traces", path)
		}
		why, want, differs := read(t, path+".differs")
		if !differs {
			want = theirs
		} else if want == theirs {
			t.Errorf("%s.differs holds what the framework prints: there is no difference", path)
		} else if m := difference.FindStringSubmatch(why); m == nil || !declared[m[1]] {
			t.Errorf("%s.differs begins with %q, which names no difference of docs/differences.md", path, why)
		}
		for _, host := range []string{"sim", "real"} {
			t.Run(host, func(t *testing.T) {
				if host == "sim" && s.RealOnly != "" {
					t.Skip(s.RealOnly)
				}
				got, err := scenario.Print(s, machine(t, host))
				if err != nil {
					t.Error(err)
				}
				if got != want {
					t.Errorf("the twin prints\n%s\nwant\n%s", got, want)
				}
			})
		}
	})
}

// machine returns what makes loops on the real machine or on a simulated one. Both clocks jump, and
// both networks take no time, as loopback does.
func machine(t *testing.T, host string) scenario.Machine {
	if host == "sim" {
		return func(opts ...corolla.Option) *corolla.Loop {
			return sim.New(1, sim.Latency(0, 0), sim.Whole()).NewLoop(opts...)
		}
	}
	return func(opts ...corolla.Option) *corolla.Loop {
		l, err := corolla.New(append(opts, sim.JumpClock())...)
		leaktest.NeedLoop(t, err)
		return l
	}
}

// TestNothingIsLeftOver fails on a program without a twin and a trace without a program.
func TestNothingIsLeftOver(t *testing.T) {
	for _, f := range frameworks {
		files, err := os.ReadDir(f.name)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, s := range f.scenarios {
			if names[s.Name] {
				t.Errorf("%s has two scenarios %s", f.name, s.Name)
			}
			names[s.Name] = true
			if _, err := os.Stat(filepath.Join(f.name, s.Name+".py")); err != nil {
				t.Error(err)
			}
		}
		for _, file := range files {
			name, ext, _ := strings.Cut(file.Name(), ".")
			if slices.Contains([]string{"py", "trace", "differs"}, ext) && name != "trace" && !names[name] {
				t.Errorf("%s/%s has no twin in Go", f.name, file.Name())
			}
		}
	}
}
