package deferred_test

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	d := deferred.New(l)
	d.AddCallback(func(v any) (any, error) { return v.(int) + 1, nil })
	d.AddCallback(func(v any) (any, error) { return nil, errors.New("cannot use it") })
	d.AddErrback(func(err error) (any, error) { return err.Error() + ", so be it", nil })
	d.AddCallback(func(v any) (any, error) { fmt.Println(v); return v, nil })
	_ = d.Callback(41)
	// Output: cannot use it, so be it
}
