// Package talk has one program, written twelve times: it sends much data to a server
// that takes it slowly, and there is counting to do meanwhile. Each way of waiting is a
// file of its own. (After a talk of 2013 on asynchronous I/O in Python.)
package talk

import (
	"encoding/binary"
	"slices"
)

// Row is one way to wait.
type Row struct {
	Name string
	What string
	Loop bool // on an event loop of Corolla
	Send func(*Job) error
}

// Rows are all ways, in the order in which they are told.
var Rows = []Row{
	{"blocking", "a blocking socket: send, then count", false, blocking},
	{"spin", "a non-blocking socket, tried again after each slice", false, spin},
	{"select", "a non-blocking socket and select(2), counting in between", false, selecting},
	{"threads", "a second thread sends", false, threads},
	{"processes", "a second process sends", false, processes},
	{"goroutines", "Go's own way: net, and a goroutine that sends", false, goroutines},
	{"callbacks", "an event loop and a bare socket: a writer callback", true, callbacks},
	{"protocol", "an event loop, a protocol and its transport", true, protocol},
	{"reactor", "Twisted's way: a factory of protocols, a Deferred for the end", true, reactor},
	{"tasks", "two tasks: one sends, one counts", true, tasks},
	{"green", "Eventlet's way: green threads, sleep(0) in the busy loop", true, greenThreads},
	{"generators", "generators around select(2), in a scheduler of a few lines", false, generators},
}

// Names lists the rows' names.
func Names() []string {
	var names []string
	for _, r := range Rows {
		names = append(names, r.Name)
	}
	return names
}

// Find returns the row of a name.
func Find(name string) (Row, bool) {
	i := slices.IndexFunc(Rows, func(r Row) bool { return r.Name == name })
	if i < 0 {
		return Row{}, false
	}
	return Rows[i], true
}

// Job is what there is to do: send Data to Addr, and count.
type Job struct {
	Addr string // IP:PORT
	Data []byte
	*Record
	abandoned bool
	abandon   func()
}

// OnAbandon sets what is called if the row is left where it is: what it has outside of this
// process must end with it.
func (j *Job) OnAbandon(end func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.abandon = end; j.abandoned {
		end()
	}
}

// Abandon leaves the row where it is.
func (j *Job) Abandon() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.abandoned = true; j.abandon != nil {
		j.abandon()
	}
}

// steps is how far one slice of counting counts.
const steps = 5_000_000

// counter is where the counting goes, so that the compiler cannot do without it.
var counter int

// Slice counts one slice.
func (j *Job) Slice() {
	begin := j.now()
	n := counter
	for range steps {
		n++
	}
	counter = n
	j.counted(begin, j.now())
}

// block is how much the rows write at a time to what waits, or keeps what is not sent yet.
// Those that ask a bare socket how much it takes offer it all that is left.
const block = 64 << 10

// Next returns what to write when so much is sent.
func (j *Job) Next(sent int) []byte { return j.Data[sent:min(sent+block, len(j.Data))] }

// Data returns n bytes in which every place is different from its neighbours, so that
// a byte lost, doubled or moved is seen.
func Data(n int) []byte {
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		x := uint64(i) * 0x9e3779b97f4a7c15
		binary.LittleEndian.PutUint64(b[i:], x^x>>29)
	}
	return b[:n]
}
