package simtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// report fails t with a run that failed: how to replay it, and the least that brings it about.
func (e *explorer) report(t testing.TB, how recipe, failure error) {
	t.Helper()
	repeats := func(err error) bool {
		if err == nil || signature(err) != signature(failure) {
			t.Errorf("seed %v failed, and then did not fail in the same way: the program does not repeat itself, so "+
				"something in it is not simulated, such as a goroutine of its own, the real clock, or the order of a map"+
				"\nfirst:  %v\nsecond: %v", how, failure, err)
			return false
		}
		return true
	}
	r, err := e.run(how, true, nil)
	if !repeats(err) {
		return
	}
	faults := e.shrink(how, r.faults, err)
	least, err := e.run(how, true, only(faults))
	if !repeats(err) {
		return
	}
	dir := *traceFlag
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "simtest")
	}
	t.Errorf("seed %v failed: %v\n%s\nreplay: %s\ntrace:  %s",
		how, err, list(faults, len(r.faults)), e.command(how), write(t, dir, least, err))
}

// command returns what makes go test run t alone, and of it only one run, from any folder of the module.
func command(t testing.TB, how recipe) string {
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	tags, path := "", ""
	if built, ok := debug.ReadBuildInfo(); ok {
		for _, s := range built.Settings {
			if s.Key == "-tags" {
				tags = " -tags=" + s.Value
			}
		}
		if path = " " + strings.TrimSuffix(built.Path, ".test"); path == " command-line-arguments" {
			path = "" // it was given files
		}
	}
	return "go test" + tags + " -run " + quote(strings.Join(parts, "/")) + path + " -sim.seed=" + how.String()
}

// quote makes one word of s for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func list(faults []change, of int) string {
	if len(faults) == 0 {
		return fmt.Sprintf("none of its %d faults is needed for that", of)
	}
	s := fmt.Sprintf("of its %d faults it takes", of)
	for _, f := range faults {
		s += "\n    " + f.is.String()
	}
	return s
}

// write stores the trace of a run, as text and as a page, and returns where the page is.
func write(t testing.TB, dir string, r *Run, failure error) string {
	t.Helper()
	base := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+"-"+strings.ReplaceAll(r.recipe.String(), ":", "="))
	var text strings.Builder
	for _, e := range r.events {
		fmt.Fprintln(&text, e)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(base+".txt", []byte(text.String()), 0o666); err != nil {
		t.Error(err)
	}
	page := draw(t.Name(), r, failure)
	if err := os.WriteFile(base+".html", []byte(page), 0o666); err != nil {
		t.Error(err)
	}
	return base + ".html"
}
