package wire_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write README.md anew")

const readmeHead = `# On the wire

Corolla speaks to the frameworks that its models come from: real processes, on the loopback interface. Each case is a
conversation between a client and a server. Each is had with asyncio, Twisted and Eventlet, Corolla being the server
and Corolla being the client, in each of the styles that are listed. Both sides report how many bytes they have got,
their checksum, and how the connection has ended for them; both reports must be as the test says. Where writing is
paused, at most 96 KiB (the high water mark and one piece) may be unsent on Corolla's side, and a side that does not
read must be given nothing.

Where frameworks differ, the number is that of the difference in [differences.md](../../docs/differences.md).

` + "`make conformance`" + ` has the conversations. This page is written by ` + "`go test ./conformance/wire -update`" + `.

| case | | styles | |
|---|---|---|---|
`

// TestReadme fails when README.md is not what the cases are.
func TestReadme(t *testing.T) {
	want := readme()
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile("README.md"); err != nil || string(got) != want {
		t.Errorf("README.md is out of date (%v): go test ./conformance/wire -run TestReadme -update", err)
	}
}

func readme() string {
	var b strings.Builder
	b.WriteString(readmeHead)
	n := 0
	for _, c := range cases {
		var names []string
		for _, s := range stylesFor(c.name) {
			names = append(names, s.name)
		}
		n += len(names) * len(frameworks) * 2
		verdict := "agree"
		if strings.HasPrefix(c.name, "abort-") {
			verdict = "differences 32 (asyncio's abort is no reset) and 50 (Eventlet reads a reset as the end)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, c.about, strings.Join(names, ", "), verdict)
	}
	fmt.Fprintf(&b, "\n%d conversations. Sockets with callbacks, and generators, have no TLS.\n", n)
	return b.String()
}
