// Package scenario is what the twins in package conformance are written with.
package scenario

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
)

// A Scenario is the twin of a Python program: Name.py in the folder of its framework.
type Scenario struct {
	Name  string
	Rules string // the numbers of the framework's rules that it shows, such as "1 3 7", or "mix"
	Body  func(r *Run)

	// RealOnly says why it cannot run on the simulated machine; empty if it can.
	RealOnly string
}

// Machine makes loops.
type Machine func(opts ...corolla.Option) *corolla.Loop

// Run is one run of a scenario.
type Run struct {
	machine Machine
	loop    *corolla.Loop
	began   time.Duration
	lines   []string
	muted   bool
}

// Print runs s on a loop of machine, and returns what it printed.
func Print(s Scenario, machine Machine) (trace string, err error) {
	r := &Run{machine: machine}
	defer func() {
		if r.loop != nil {
			err = r.loop.Close()
		}
		if errors.Is(err, corolla.ErrLoopClosed) {
			err = nil // by the scenario itself
		}
	}()
	s.Body(r)
	return strings.Join(r.lines, ""), nil
}

// Loop makes the loop of the scenario, whose clock begins at 0 here. Unless opts say otherwise, what
// reaches the loop's error handler is not printed.
func (r *Run) Loop(opts ...corolla.Option) *corolla.Loop {
	quiet := []corolla.Option{corolla.ErrorHandler(func(error) {})}
	r.loop = r.machine(append(quiet, opts...)...)
	r.began = r.loop.Now()
	return r.loop
}

// Other makes another loop, on a machine of its own, which the scenario closes.
func (r *Run) Other() *corolla.Loop { return r.machine() }

// Mute ends the trace: nothing that is said from then on is part of it.
func (r *Run) Mute() { r.muted = true }

// Say prints an event, with the time on the loop's clock.
func (r *Run) Say(format string, args ...any) {
	if r.muted {
		return
	}
	at := time.Duration(0)
	if r.loop != nil {
		at = (r.loop.Now() - r.began).Round(time.Millisecond)
	}
	r.lines = append(r.lines, fmt.Sprintf("t=%dms %s\n", at.Milliseconds(), fmt.Sprintf(format, args...)))
}

// Main makes a loop, runs main as its main task, and prints the error if there is one.
func (r *Run) Main(main func(t *corolla.Task) error) {
	if err := r.Loop().Run(main); err != nil {
		r.Say("main: %v", err)
	}
}
