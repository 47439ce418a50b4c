package green_test

import (
	"fmt"
	"time"

	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	_ = h.Run(func() error {
		th := h.Go(func() error {
			for i := range 2 {
				fmt.Println("thread", i)
				h.Sleep(time.Second)
			}
			return nil
		})
		fmt.Println("main")
		return th.Join()
	})
	// Output:
	// main
	// thread 0
	// thread 1
}
