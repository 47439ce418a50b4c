package program

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// gate is a writer that waits, at each write, until it is opened.
type gate struct {
	bytes.Buffer
	arrived, open chan bool
}

func (g *gate) Write(b []byte) (int, error) {
	select {
	case g.arrived <- true:
	default:
	}
	<-g.open
	return g.Buffer.Write(b)
}

func TestAsideDropsWhatIsNotRead(t *testing.T) {
	g := &gate{arrived: make(chan bool, 1), open: make(chan bool)}
	a := newAside(g)
	fmt.Fprintln(a, "first")
	<-g.arrived
	const more = 10
	for i := range asideQueue + more {
		fmt.Fprintln(a, i) // which does not wait
	}
	close(g.open)
	a.close()
	lines := strings.Split(strings.TrimSpace(g.String()), "\n")
	if len(lines) != asideQueue+2 || lines[0] != "first" || lines[2] != "0" || lines[len(lines)-1] != fmt.Sprint(asideQueue-1) ||
		lines[1] != fmt.Sprintf("corolla serve: %d lines of the log were dropped, as they were not read", more) {
		t.Errorf("%d lines, %q, %q, %q, … %q", len(lines), lines[0], lines[1], lines[2], lines[len(lines)-1])
	}
}
