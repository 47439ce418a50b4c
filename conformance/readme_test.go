package conformance_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/conformance/scenario"
)

const readmeHead = `# Conformance

The same scenarios on the frameworks that Corolla's models come from, and on Corolla. Each is a program for the
framework, ` + "`NAME.py`" + `, whose output is stored in ` + "`NAME.trace`" + `, and its twin in Go, which must print the same on a
simulated machine and on the real one. ` + "`NAME.differs`" + ` is what the twin prints where Corolla differs on purpose, and
names the difference by its number in [differences.md](../docs/differences.md).

` + "`go test ./conformance`" + ` compares the twins with what is stored, ` + "`make conformance`" + ` runs the frameworks again, three times.
This page is written by ` + "`go test ./conformance -update`" + `.
`

// TestReadme fails when README.md is not what the scenarios are.
func TestReadme(t *testing.T) {
	want := readme(t)
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile("README.md"); err != nil || string(got) != want {
		t.Errorf("README.md is out of date (%v): go test ./conformance -run TestReadme -update", err)
	}
}

func readme(t *testing.T) string {
	var counts, tables strings.Builder
	for _, f := range frameworks {
		agree, differ, version := 0, 0, ""
		fmt.Fprintf(&tables, "\n## %s\n\n| scenario | rules | |\n|---|---|---|\n", f.name)
		for _, s := range f.scenarios {
			head, _, _ := read(t, f.name+"/"+s.Name+".trace")
			version = strings.TrimPrefix(head, "# ")
			why, _, differs := read(t, f.name+"/"+s.Name+".differs")
			if differs {
				differ++
			} else {
				agree++
			}
			fmt.Fprintf(&tables, "| %s | %s | %s |\n", s.Name, s.Rules, verdict(s, strings.TrimPrefix(why, "# ")))
		}
		fmt.Fprintf(&counts, "| [%s](#%s) | %s | %d | %d | %d |\n",
			f.name, f.name, version, agree+differ, agree, differ)
	}
	return readmeHead + "\n| framework | version | scenarios | agree | differ as declared |\n|---|---|---:|---:|---:|\n" +
		counts.String() + tables.String()
}

func verdict(s scenario.Scenario, differs string) string {
	v := "agrees"
	if differs != "" {
		v = differs
	}
	if s.RealOnly != "" {
		v += "; on the real machine only: " + s.RealOnly
	}
	return v
}
