package talk

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The conclusion says only what the figures of its run bear out. What a row is expected to do
// was left out: on a busy machine it does something else, and the sentence would be wrong.

// alike is the factor within which two figures count as the same: one run is a look, and no
// measurement.
const alike = 1.05

// Conclude says in one to five sentences what the results show. Rows that failed are not
// compared. read is how many MiB/s the server reads, or 0 if that is unknown.
func Conclude(results []Result, read float64) string {
	var rows, failed []Result
	for _, r := range results {
		if r.OK {
			rows = append(rows, r)
		} else {
			failed = append(failed, r)
		}
	}
	switch {
	case len(results) == 0:
		return "There is nothing to compare: no row ran."
	case len(rows) == 0:
		return "There is nothing to compare: no row went well."
	case len(rows) == 1 && len(failed) > 0:
		return fmt.Sprintf("There is nothing to compare: only %s went well.", rows[0].Row)
	case len(rows) == 1:
		return fmt.Sprintf("There is nothing to compare: only %s ran.", rows[0].Row)
	}
	said := []string{finished(rows, read), counted(rows), blocked(rows), looped(rows)}
	if len(failed) > 0 {
		said = append(said, fmt.Sprintf("Nothing is said here of %s, which failed.", list(failed, len(results))))
	}
	said = slices.DeleteFunc(said, func(s string) bool { return s == "" })
	return strings.Join(said, " ")
}

func seconds(r Result) float64 { return r.Seconds }
func rate(r Result) float64    { return r.Rate }
func pace(r Result) float64    { return r.Pace }
func idleIO(r Result) float64  { return r.IdleIO }

// finished says in which rows the transfer was done soonest, and in which last.
func finished(rows []Result, read float64) string {
	first := lowest(rows, seconds)
	last := without(highest(rows, seconds), first)
	if len(last) == 0 {
		how := "took about the same time,"
		if slowest := least(rows, rate); read > 0 && slowest.Rate*alike >= read {
			how = "was done as soon as the server could read it, after"
		}
		return fmt.Sprintf("In %s the transfer %s %s s.", all(len(rows)), how, span(rows, seconds, 3))
	}
	return fmt.Sprintf("The transfer was done soonest in %s, after %s s, and last in %s, after %s s.",
		list(first, len(rows)), span(first, seconds, 3), list(last, len(rows)), span(last, seconds, 3))
}

// counted says which rows counted most while they sent, which least, and which nothing.
func counted(rows []Result) string {
	idle := slices.DeleteFunc(slices.Clone(rows), func(r Result) bool { return r.Pace > 0 })
	some := without(rows, idle)
	if len(some) == 0 {
		return "No row counted while it sent."
	}
	up := highest(some, pace)
	down := without(lowest(some, pace), up)
	how := " most,"
	if len(some) == 1 {
		how = ""
	} else if len(down) == 0 {
		how = " alike,"
	}
	said := fmt.Sprintf("While sending, %s counted%s %s slices a second", list(up, len(rows)), how, span(up, pace, 0))
	if len(down) > 0 {
		said += fmt.Sprintf("; %s least, %s", list(down, len(rows)), span(down, pace, 0))
	}
	if len(idle) > 0 {
		said += fmt.Sprintf("; %s nothing", list(idle, len(rows)))
	}
	return said + "."
}

// blocked says what it cost to wait in the kernel.
func blocked(rows []Result) string {
	i := slices.IndexFunc(rows, func(r Result) bool { return r.Row == "blocking" })
	if i < 0 {
		return ""
	}
	b, best := rows[i], most(rows, pace)
	switch cost := math.Round((best.Pace - b.Pace) * b.Seconds); {
	case best.Pace == 0:
		return "" // it has been said that none counted
	case cost < 1:
		return "Blocking cost no counting."
	default:
		return fmt.Sprintf("Blocking cost %s in its %.3f s, compared with %s.", amount(cost, "slice"), b.Seconds, best.Row)
	}
}

// looped says what the rows on an event loop have in common.
func looped(rows []Result) string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Result) bool {
		row, _ := Find(r.Row)
		return !row.Loop
	})
	if len(rows) < 2 {
		return ""
	}
	apart := ""
	switch low, high := least(rows, pace).Pace, most(rows, pace).Pace; {
	case low == 0 || low == high:
	case high < 2*low:
		apart = fmt.Sprintf(" (at most %.0f%% apart)", math.Ceil(100*(high-low)/low))
	default:
		apart = fmt.Sprintf(" (one %.1f times as many as another)", high/low)
	}
	return fmt.Sprintf("On an event loop, where one thread does both, %s counted %s slices a second%s, and "+
		"left a socket that could take some waiting for %s ms at the longest.",
		list(rows, 0), span(rows, pace, 0), apart, span(rows, idleIO, 1))
}
