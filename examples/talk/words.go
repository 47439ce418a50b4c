package talk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What the sentences of the conclusion are made of.

type figure func(Result) float64

func compare(f figure) func(a, b Result) int {
	return func(a, b Result) int { return cmp.Compare(f(a), f(b)) }
}

func least(rows []Result, f figure) Result { return slices.MinFunc(rows, compare(f)) }
func most(rows []Result, f figure) Result  { return slices.MaxFunc(rows, compare(f)) }

// lowest returns the rows that are alike to the least.
func lowest(rows []Result, f figure) []Result {
	limit := f(least(rows, f)) * alike
	return slices.DeleteFunc(slices.Clone(rows), func(r Result) bool { return f(r) > limit })
}

// highest returns the rows that are alike to the most.
func highest(rows []Result, f figure) []Result {
	limit := f(most(rows, f)) / alike
	return slices.DeleteFunc(slices.Clone(rows), func(r Result) bool { return f(r) < limit })
}

func without(rows, some []Result) []Result {
	return slices.DeleteFunc(slices.Clone(rows), func(r Result) bool {
		return slices.ContainsFunc(some, func(s Result) bool { return s.Row == r.Row })
	})
}

// list names rows, or says how many they are of all if they are many; of 0 names them always.
func list(rows []Result, of int) string {
	switch {
	case of > 0 && len(rows) > 4 && len(rows) == of:
		return all(of)
	case of > 0 && len(rows) > 4:
		return fmt.Sprintf("%d of %d rows", len(rows), of)
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Row)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func all(n int) string {
	if n == 2 {
		return "both rows"
	}
	return fmt.Sprintf("all %d rows", n)
}

// span is the least and the most, or one of them if they read the same.
func span(rows []Result, f figure, decimals int) string {
	low := fmt.Sprintf("%.*f", decimals, f(least(rows, f)))
	high := fmt.Sprintf("%.*f", decimals, f(most(rows, f)))
	if low == high {
		return low
	}
	return low + " to " + high
}

func amount(n float64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%.0f %s", n, what)
}
