package main

import (
	"fmt"
	"slices"

	"github.com/corolla-go/corolla/bench/internal/httpwork"
)

// work is what a load asks of a server, and what one table is about.
type work struct {
	name  string
	about string
	path  string
	depth int // requests that are sent at once
	share int // one of so many of the requests asked for is made, where each is much work
}

var works = []work{
	{"hello", "an answer of 5 bytes", httpwork.Hello, 1, 1},
	{"json", "an answer of 1 KiB, made by a JSON encoder each time", httpwork.JSON, 1, 1},
	{"file", "a file of 64 KiB", httpwork.File, 1, 10},
	{"pipelined", "an answer of 5 bytes, to 16 requests at a time", httpwork.Hello, 16, 1},
	{"echo", "a WebSocket message of 64 bytes and its echo", httpwork.Echo, 1, 1},
	{"broadcast", "a WebSocket message of 64 bytes to all connections; a request is one that arrives", httpwork.Broadcast, 1, 1},
}

func workNames() (names []string) {
	for _, w := range works {
		names = append(names, w.name)
	}
	return names
}

func findWork(name string) (work, error) {
	i := slices.IndexFunc(works, func(w work) bool { return w.name == name })
	if i < 0 {
		return work{}, fmt.Errorf("no work %q", name)
	}
	return works[i], nil
}

// socket reports whether it is done over WebSockets.
func (w work) socket() bool { return w.path == httpwork.Echo || w.toAll() }

// toAll reports whether what one connection sends is answered on all.
func (w work) toAll() bool { return w.path == httpwork.Broadcast }

// job is one table's work in numbers.
type job struct {
	work
	conns, exchanges int
}

// requests is how many answers a turn has.
func (j job) requests() int {
	if j.toAll() {
		return j.exchanges * j.conns
	}
	return j.exchanges * j.depth
}

func (j job) String() string { return fmt.Sprintf("%s: %s; %d connections", j.name, j.about, j.conns) }
