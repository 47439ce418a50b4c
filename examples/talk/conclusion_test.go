package talk_test

import (
	"testing"

	"github.com/corolla-go/corolla/examples/talk"
)

// row makes up the result of one that went well and sent 40 MiB.
func row(name string, seconds, pace, idleIO float64) talk.Result {
	return talk.Result{
		Row: name, OK: true, Seconds: seconds, Rate: 40 / seconds,
		Pace: pace, Slices: int(pace * seconds), IdleIO: idleIO,
	}
}

func bad(name string) talk.Result { return talk.Result{Row: name, Error: "write: broken pipe"} }

var conclusions = []struct {
	name string
	rows []talk.Result
	read float64
	want string
}{
	{
		"no row ran", nil, 200,
		"There is nothing to compare: no row ran.",
	},
	{
		"one row",
		[]talk.Result{row("tasks", 0.2, 300, 7)},
		200,
		"There is nothing to compare: only tasks ran.",
	},
	{
		"none went well",
		[]talk.Result{bad("tasks"), bad("green")},
		200,
		"There is nothing to compare: no row went well.",
	},
	{
		"one went well",
		[]talk.Result{bad("tasks"), row("green", 0.2, 300, 7)},
		200,
		"There is nothing to compare: only green went well.",
	},
	{
		"the server sets the pace",
		[]talk.Result{
			row("blocking", 0.2, 0, 1), row("threads", 0.201, 450, 0.2),
			row("callbacks", 0.2, 400, 7), row("tasks", 0.2, 440, 8.1),
		},
		200,
		"In all 4 rows the transfer was done as soon as the server could read it, after 0.200 to 0.201 s. " +
			"While sending, threads and tasks counted most, 440 to 450 slices a second; callbacks least, 400; blocking nothing. " +
			"Blocking cost 90 slices in its 0.200 s, compared with threads. " +
			"On an event loop, where one thread does both, callbacks and tasks counted 400 to 440 slices a second " +
			"(at most 10% apart), and left a socket that could take some waiting for 7.0 to 8.1 ms at the longest.",
	},
	{
		"a server that nobody knows",
		[]talk.Result{row("select", 0.1, 100, 7), row("spin", 0.1, 100, 7)},
		0,
		"In both rows the transfer took about the same time, 0.100 s. " +
			"While sending, select and spin counted alike, 100 slices a second.",
	},
	{
		"all slower than the server",
		[]talk.Result{row("select", 0.5, 100, 7), row("spin", 0.51, 90, 7)},
		200,
		"In both rows the transfer took about the same time, 0.500 to 0.510 s. " +
			"While sending, select counted most, 100 slices a second; spin least, 90.",
	},
	{
		"different ends, and a tie for the last",
		[]talk.Result{
			row("processes", 0.3, 100, 1), row("select", 0.2, 98, 7),
			row("spin", 0.25, 50, 7), row("generators", 0.301, 10, 7),
		},
		200,
		"The transfer was done soonest in select, after 0.200 s, and last in processes and generators, after 0.300 to 0.301 s. " +
			"While sending, processes and select counted most, 98 to 100 slices a second; generators least, 10.",
	},
	{
		"many are soonest",
		[]talk.Result{
			row("spin", 0.2, 100, 1), row("select", 0.2, 100, 1), row("threads", 0.2, 100, 1),
			row("goroutines", 0.2, 100, 1), row("generators", 0.2, 100, 1), row("processes", 0.4, 100, 1),
		},
		200,
		"The transfer was done soonest in 5 of 6 rows, after 0.200 s, and last in processes, after 0.400 s. " +
			"While sending, all 6 rows counted alike, 100 slices a second.",
	},
	{
		"nobody counted",
		[]talk.Result{row("blocking", 0.2, 0, 0), row("tasks", 0.2, 0, 20), row("green", 0.2, 0, 30)},
		200,
		"In all 3 rows the transfer was done as soon as the server could read it, after 0.200 s. " +
			"No row counted while it sent. " +
			"On an event loop, where one thread does both, tasks and green counted 0 slices a second, " +
			"and left a socket that could take some waiting for 20.0 to 30.0 ms at the longest.",
	},
	{
		"one counted",
		[]talk.Result{row("blocking", 0.01, 0, 0), row("tasks", 0.01, 100, 0), row("green", 0.01, 0, 0)},
		0,
		"In all 3 rows the transfer took about the same time, 0.010 s. " +
			"While sending, tasks counted 100 slices a second; blocking and green nothing. " +
			"Blocking cost 1 slice in its 0.010 s, compared with tasks. " +
			"On an event loop, where one thread does both, tasks and green counted 0 to 100 slices a second, " +
			"and left a socket that could take some waiting for 0.0 ms at the longest.",
	},
	{
		"blocking is the best",
		[]talk.Result{row("blocking", 0.2, 300, 0), row("threads", 0.2, 100, 0)},
		0,
		"In both rows the transfer took about the same time, 0.200 s. " +
			"While sending, blocking counted most, 300 slices a second; threads least, 100. " +
			"Blocking cost no counting.",
	},
	{
		"event loops far apart",
		[]talk.Result{row("tasks", 0.2, 300, 4), row("protocol", 0.2, 120, 4)},
		0,
		"In both rows the transfer took about the same time, 0.200 s. " +
			"While sending, tasks counted most, 300 slices a second; protocol least, 120. " +
			"On an event loop, where one thread does both, tasks and protocol counted 120 to 300 slices a second " +
			"(one 2.5 times as many as another), and left a socket that could take some waiting for 4.0 ms at the longest.",
	},
	{
		"some failed",
		[]talk.Result{bad("spin"), row("select", 0.2, 100, 0), bad("tasks"), row("threads", 0.2, 100, 0)},
		0,
		"In both rows the transfer took about the same time, 0.200 s. " +
			"While sending, select and threads counted alike, 100 slices a second. " +
			"Nothing is said here of spin and tasks, which failed.",
	},
}

func TestConclude(t *testing.T) {
	for _, c := range conclusions {
		if got := talk.Conclude(c.rows, c.read); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
