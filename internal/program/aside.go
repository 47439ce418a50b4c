package program

import (
	"fmt"
	"io"
	"sync/atomic"
)

// aside writes to w on a goroutine of its own, so that a reader of the standard error who does not read
// holds up no loop. Each Write must be whole lines. What does not fit the queue is dropped and counted.
type aside struct {
	w       io.Writer
	lines   chan []byte
	over    chan struct{}
	dropped atomic.Int64
}

const asideQueue = 1024 // lines

func newAside(w io.Writer) *aside {
	a := &aside{w: w, lines: make(chan []byte, asideQueue), over: make(chan struct{})}
	go a.run()
	return a
}

func (a *aside) run() {
	defer close(a.over)
	for line := range a.lines {
		_, _ = a.w.Write(line) // there is nowhere else to say that it failed
		if n := a.dropped.Swap(0); n > 0 {
			fmt.Fprintf(a.w, "corolla serve: %d lines of the log were dropped, as they were not read\n", n)
		}
	}
}

func (a *aside) Write(line []byte) (int, error) {
	select {
	case a.lines <- append([]byte(nil), line...):
	default:
		a.dropped.Add(1)
	}
	return len(line), nil
}

// close waits until everything is written.
func (a *aside) close() {
	close(a.lines)
	<-a.over
}
