package simtest_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

const tutorial = "../../docs/simulation.md"

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTutorial keeps the failure that docs/simulation.md shows what happens, but for the file's place, and its replay.
func TestTutorial(t *testing.T) {
	with(t, "test.short=false")
	page := read(t, tutorial)
	dir := *pictures
	if dir == "" {
		dir = t.TempDir()
	}
	with(t, "sim.trace="+dir)
	w := &witness{TB: t, name: "TestTally"}
	testTally(w)
	report, _, _ := strings.Cut(w.failed, "trace:")
	report = strings.Replace(report, "github.com/corolla-go/corolla/sim/simtest", "tally", 1)
	if report == "" || !strings.Contains(page, report) {
		t.Errorf("docs/simulation.md does not have this report:\n%s", report)
	}
	_, seed, _ := strings.Cut(report, "-sim.seed=")
	with(t, "sim.seed="+strings.TrimSpace(seed))
	again := &witness{TB: t, name: "TestTally"}
	if testTally(again); again.failed != w.failed {
		t.Errorf("replayed:\n%s\nwas:\n%s", again.failed, w.failed)
	}
	for _, f := range regexp.MustCompile(`-sim\.[a-z]+`).FindAllString(page, -1) {
		if flag.Lookup(f[1:]) == nil {
			t.Errorf("there is no flag %s", f)
		}
	}
}

// TestTutorialIsOneProgram wants that who copies the code of docs/simulation.md, block by block, has a program:
// that of tutorial_test.go, which the compiler has seen. What comes behind it is from other tests.
func TestTutorialIsOneProgram(t *testing.T) {
	program, rest, found := strings.Cut(read(t, tutorial), "\n## What clients saw\n")
	if !found {
		t.Fatal("docs/simulation.md has no heading where its program ends")
	}
	code := strings.NewReplacer(
		"package simtest_test\n", "package tally\n",
		"func testTally(t testing.TB)", "func TestTally(t *testing.T)", // which fails, so it is no test here
	).Replace(read(t, "tutorial_test.go"))
	if got := strings.Join(blocks(program), "\n"); got != code {
		t.Errorf("the blocks of docs/simulation.md are\n%s\nand the tests have\n%s", got, code)
	}
	others := read(t, "../../examples/counter/counter_test.go")
	for _, b := range blocks(rest) {
		if !strings.Contains(others, b) {
			t.Errorf("this is not in the tests any more:\n%s", b)
		}
	}
}

// blocks returns the Go code of a page.
func blocks(page string) (code []string) {
	for _, b := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		code = append(code, b[1])
	}
	return code
}

var pictures = flag.String("pictures", "", "keep the tutorial's page in this `folder`")
