package process_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
)

// Talk with a process while it runs.
func ExampleStart() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	err = l.Run(func(t *corolla.Task) error {
		p, err := process.Start(t, process.Command{
			Path: "sed", Args: []string{"-u", "s/petal/flower/"},
			Stdin: process.Pipe, Stdout: process.Pipe,
		})
		if err != nil {
			return err
		}
		defer p.Close()
		for _, line := range []string{"one petal\n", "two petals\n"} {
			if _, err := p.Stdin.Write(t, []byte(line)); err != nil {
				return err
			}
			answer, err := p.Stdout.ReadUntil(t, []byte("\n"))
			if err != nil {
				return err
			}
			fmt.Printf("%s", answer)
		}
		if err := p.Stdin.Close(); err != nil {
			return err
		}
		return p.Wait(t)
	})
	fmt.Println(err)
	// Output:
	// one flower
	// two flowers
	// <nil>
}

// Run a process to its end, and tell how it has ended.
func ExampleRun() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	_ = l.Run(func(t *corolla.Task) error {
		out, _, err := process.Run(t, process.Command{Path: "tr", Args: []string{"a-z", "A-Z"}}, []byte("corolla"))
		fmt.Printf("%s %v\n", out, err)

		_, _, err = process.Run(t, process.Command{Path: "sh", Args: []string{"-c", "exit 3"}}, nil)
		var exit *process.ExitError
		if errors.As(err, &exit) {
			fmt.Println("status", exit.Code())
		}

		err = t.Timeout(10*time.Millisecond, func(*corolla.Scope) error {
			_, _, err := process.Run(t, process.Command{Path: "sleep", Args: []string{"60"}}, nil)
			return err // the process has been killed
		})
		var late *corolla.TimeoutError
		fmt.Println("too late:", errors.As(err, &late))
		return nil
	})
	// Output:
	// COROLLA <nil>
	// status 3
	// too late: true
}

// printer is a process.Protocol.
type printer struct{ loop *corolla.Loop }

func (printer) Started(p *process.Transport) {
	_ = p.Stdin.Write([]byte("pushed")) // Exited tells of failures
	p.Stdin.Close()
}

func (printer) Output(_ *process.Transport, fd int, b []byte) { fmt.Printf("%d: %s\n", fd, b) }
func (printer) Exited(_ *process.Transport, err error)        { fmt.Println("exited:", err) }
func (p printer) Closed(*process.Transport)                   { p.loop.Stop() }

func ExampleSpawn() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	process.Spawn(l, process.Command{Path: "cat", Stdin: process.Pipe, Stdout: process.Pipe}, printer{l})
	fmt.Println(l.RunForever())
	// Unordered output:
	// 1: pushed
	// exited: <nil>
	// <nil>
}
