package generators

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/gen"
)

func mixFlatten(r *scenario.Run) {
	type node []any
	tree := node{1, node{2, node{3, 4}}, node{node{5}}, 6}
	var walk func(y yield, at any, depth int) (string, error)
	walk = func(y yield, at any, depth int) (string, error) {
		defer r.Say("left depth %d", depth)
		children, ok := at.(node)
		if !ok {
			_, err := y.Yield(at.(int)*10 + depth)
			return "", err
		}
		for _, child := range children {
			inner := gen.New(func(y yield) (string, error) { return walk(y, child, depth+1) })
			if _, err := gen.From(y, inner); err != nil {
				return "", err
			}
		}
		return "", nil
	}
	s := start(r, func(y yield) (string, error) { return walk(y, tree, 0) })
	for range 4 {
		s.next()
	}
	s.close("close")
}

func mixAverager(r *scenario.Run) {
	averager := func(y yield) (string, error) {
		total, count := 0, 0
		for {
			v, err := y.Yield(count)
			switch {
			case errors.Is(err, errBoom):
				r.Say("one value lost")
			case err != nil:
				return "", err
			case v == 0:
				return fmt.Sprint(total / count), nil
			default:
				total, count = total+v.(int), count+1
			}
		}
	}
	s := start(r, func(y yield) (string, error) {
		var results []string
		for len(results) < 2 {
			v, err := gen.From(y, gen.New(averager))
			if err != nil {
				return "", err
			}
			results = append(results, v)
			r.Say("group %d: %s", len(results), v)
		}
		return results[0] + " and " + results[1], nil
	})
	s.next()
	for _, v := range []int{10, 30, 0, 4} {
		s.send(v)
	}
	s.throw("throw", errBoom)
	for _, v := range []int{8, 0} {
		s.send(v)
	}
}

func mixTrampoline(r *scenario.Run) {
	worker := func(name string, n int) generator {
		return gen.New(func(y yield) (string, error) {
			defer r.Say("%s done", name)
			for i := range n {
				r.Say("%s%d", name, i)
				if _, err := y.Yield(i); err != nil {
					return "", err
				}
			}
			if name == "b" {
				return "", errBoom
			}
			return "", nil
		})
	}
	ready := []generator{worker("a", 3), worker("b", 2), worker("c", 5)}
	turns := 0
	for len(ready) > 0 {
		task := ready[0]
		ready = ready[1:]
		turns++
		if turns == 9 {
			_ = task.Close()
			continue
		}
		switch _, err := task.Next(); {
		case errors.Is(err, gen.ErrStop):
			r.Say("returned")
		case err != nil:
			r.Say("failed: %s", python(err))
		default:
			ready = append(ready, task)
		}
	}
	r.Say("%d turns", turns)
}
