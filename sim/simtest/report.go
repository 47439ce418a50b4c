package simtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// report fails t with a run that failed: how to replay it, and the least that brings it about.
func (e *explorer) report(t testing.TB, how recipe, failure error) {
	t.Helper()
	r, err := e.run(how, true, nil)
	if err == nil || signature(err) != signature(failure) {
		t.Errorf("seed %v failed, and then did not fail in the same way: the program does not repeat itself, so "+
			"something in it is not simulated\nfirst:  %v\nsecond: %v", how, failure, err)
		return
	}
	faults := e.shrink(how, r.faults, err)
	least, err := e.run(how, true, only(faults))
	dir := *traceFlag
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "simtest")
	}
	t.Errorf("seed %v failed: %v\n%s\nreplay: go test -run '^%s$' -sim.seed=%v\ntrace:  %s",
		how, err, list(faults, len(r.faults)), name(t), how, write(t, dir, least, err))
}

// name is the pattern that makes go test run t alone.
func name(t testing.TB) string { return strings.ReplaceAll(t.Name(), "/", "$/^") }

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
