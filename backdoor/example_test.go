package backdoor_test

import (
	"bufio"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/backdoor"
	"github.com/corolla-go/corolla/sim"
)

func brew(t *corolla.Task) error { return t.Sleep(time.Hour) }

// A program with a backdoor, and somebody who looks.
func Example() {
	l := sim.New(1).NewLoop() // corolla.New makes a loop on this machine
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		door, err := backdoor.Listen(l, "unix", "/run/tea.sock")
		if err != nil {
			return err
		}
		tea := l.Go(brew, corolla.Name("tea"))
		if err := t.Sleep(90 * time.Second); err != nil {
			return err
		}
		c, err := aio.Dial(t, "unix", door.Addr().String()) // or: corolla attach /run/tea.sock
		if err != nil {
			return err
		}
		defer c.Close()
		in := bufio.NewReader(c.Bind(t))
		for _, command := range []string{"tasks brew", "timers", "kill 1"} {
			fmt.Printf("> %s\n", command)
			if _, err := fmt.Fprintln(c.Bind(t), command); err != nil {
				return err
			}
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return err
				}
				if line == "\n" { // the end of the answer
					break
				}
				fmt.Print(line)
			}
		}
		_, err = tea.Await(t)
		return err
	})
	fmt.Println(err)
	// Output:
	// > tasks brew
	// TASK  NAME  FUNCTION            FOR  STATE
	// 1     tea   backdoor_test.brew  -    a sleep, 1m30s
	// > timers
	// IN      WHAT
	// 58m30s  a sleep of task 1
	// > kill 1
	// task 1 is canceled, and ends where it waits
	// canceled: backdoor: killed from a console
}
