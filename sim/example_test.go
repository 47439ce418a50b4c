package sim_test

import (
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	w := sim.New(1, sim.Latency(time.Millisecond, time.Millisecond))
	l := w.NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		fmt.Println(l.Time())
		if err := t.Sleep(24 * time.Hour); err != nil {
			return err
		}
		_, err := l.Dial("tcp", "127.0.0.1:80").Await(t)
		fmt.Println(l.Time(), err)
		return t.Park("what never comes")
	})
	fmt.Println("deadlock:", err != nil)
	// Output:
	// 2009-11-10 23:00:00 +0000 UTC
	// 2009-11-11 23:00:00.002 +0000 UTC dial 127.0.0.1:80: connection refused
	// deadlock: true
}
