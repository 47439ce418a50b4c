package worker

import (
	"bytes"
	"context"
	"io"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// outputJobs names the Workers that write what workers print. There is one at a time, so lines stay whole.
const outputJobs = "worker output"

// maxLine is how much of a line without an end is kept until it is written as if it had one.
const maxLine = 16 << 10

// relay writes what a worker prints, line by line, behind the worker's name. It reads no more until that is
// written: if nobody takes what the parent prints, workers wait as they would without a parent. last, if it is not nil,
// becomes the last line.
func (q *proc) relay(t *corolla.Task, from *aio.Conn, to io.Writer, last *string) error {
	prefix := []byte("worker " + q.role.String() + ": ")
	var rest []byte // of a line
	for {
		b, err := from.Receive(t)
		lines := append(rest, b...)
		end := bytes.LastIndexByte(lines, '\n') + 1
		if err != nil || len(lines)-end > maxLine {
			end = len(lines)
		}
		rest = bytes.Clone(lines[end:])
		if text := prefixed(prefix, lines[:end]); len(text) > 0 {
			if last != nil {
				*last = lastLine(lines[:end])
			}
			job := corolla.OffloadTo(q.s.loop.Workers(outputJobs), func(context.Context) (int, error) { return to.Write(text) })
			if _, e := job.Await(t); e != nil {
				q.s.loop.Report(e) // and what else is printed is read, so that the worker goes on
			}
		}
		if err != nil {
			return nil // the end of the process, in most cases, which is told otherwise
		}
	}
}

// prefixed returns lines with a prefix each, and an end to the last one.
func prefixed(prefix, lines []byte) (text []byte) {
	for line := range bytes.Lines(lines) {
		text = append(append(text, prefix...), bytes.TrimSuffix(line, []byte("\n"))...)
		text = append(text, '\n')
	}
	return text
}

// lastLine returns the last line that is not empty.
func lastLine(lines []byte) string {
	lines = bytes.TrimSpace(lines)
	return string(lines[bytes.LastIndexByte(lines, '\n')+1:])
}
