package turns

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long one turn may take before it counts as stuck.
const patience = 5 * time.Minute

// Rounds gives each competitor one turn in each round, and returns the outcomes of each one's
// turns.
func Rounds[T any](ctx context.Context, what string, names []string, rounds int,
	turn func(ctx context.Context, name string) (T, error),
) (map[string][]T, error) {
	all := map[string][]T{}
	defer clearProgress()
	for round := range rounds {
		for _, name := range names {
			progress("%s: round %d of %d: %s", what, round+1, rounds, name)
			v, err := inTime(ctx, name, turn)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", what, name, err)
			}
			all[name] = append(all[name], v)
		}
	}
	return all, nil
}

func inTime[T any](ctx context.Context, name string, turn func(context.Context, string) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return turn(ctx, name)
}

// Spread is how the outcomes of the rounds are shown.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// SpreadOf returns the median and the range of one figure.
func SpreadOf[T any](outcomes []T, figure func(T) float64) Spread {
	var v []float64
	for _, o := range outcomes {
		v = append(v, figure(o))
	}
	slices.Sort(v)
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + v[len(v)/2]) / 2
	}
	return Spread{middle, v[0], v[len(v)-1]}
}

// Ratio returns a/b, or 0 where b is 0, since JSON cannot express infinity.
func Ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// watched is whether standard error is a terminal.
var watched = func() bool {
	_, err := unix.IoctlGetTermios(int(os.Stderr.Fd()), unix.TCGETS)
	return err == nil
}()

const clearLine = "\r\x1b[K"

func progress(format string, args ...any) {
	if watched {
		fmt.Fprintf(os.Stderr, clearLine+format, args...)
	}
}

func clearProgress() {
	if watched {
		fmt.Fprint(os.Stderr, clearLine)
	}
}
