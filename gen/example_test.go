package gen_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	g := gen.New(func(y *gen.Yield[int, string]) (string, error) {
		for i := 0; ; i++ {
			word, err := y.Yield(i)
			if err != nil {
				return "", err // closed
			}
			if word == "enough" {
				return "stopped at " + fmt.Sprint(i), nil
			}
		}
	})
	fmt.Println(g.Next())
	fmt.Println(g.Send("more"))
	_, err := g.Send("enough")
	fmt.Println(errors.Is(err, gen.ErrStop), g.Value())
	// Output:
	// 0 <nil>
	// 1 <nil>
	// true stopped at 1
}

func ExampleGo() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	_ = l.Run(func(t *corolla.Task) error {
		n, err := gen.Go(l, func(y *gen.Yield[gen.Wait, struct{}]) (int, error) {
			for i := range 3 {
				if _, err := y.Yield(gen.Sleep(time.Second)); err != nil {
					return i, err
				}
			}
			return 3, nil
		}).Await(t)
		fmt.Println(n, err, "at", l.Now())
		return nil
	})
	// Output: 3 <nil> at 3s
}
