package shard

import (
	"fmt"
	"reflect"
	"runtime"
)

// LostError is given to the error handler of a loop whose shard has sent messages that will never run,
// because the shard that they were for has ended before its time: its loop was stopped, or has failed.
type LostError struct{ From, To, Messages int }

func (e *LostError) Error() string {
	return fmt.Sprintf("shard: %d messages from shard %d to shard %d are lost: it has ended", e.Messages, e.From, e.To)
}

// plain is a message of Send.
type plain func(to *Shard)

func (f plain) run(k *link) bool { f(k.to); return true }

func (f plain) failed(k *link, v any) {
	if v != nil {
		k.to.loop.Recovered(v, fmt.Sprintf("a message from %v, %s", k.from, name(f)))
	}
}

func (plain) drop()        {}
func (f plain) lost() bool { return true }

// name returns what a function is called, and where it is.
func name(f any) string {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	if fn == nil {
		return "a function"
	}
	file, line := fn.FileLine(fn.Entry())
	return fmt.Sprintf("%s (%s:%d)", fn.Name(), file, line)
}

// last is what a shard sends last.
type last struct{}

func (last) run(k *link) bool {
	s := k.to
	if s.ends++; s.ends == s.Len() {
		s.heard.Set()
	}
	return false
}

func (last) failed(*link, any) {}
func (last) drop()             {}
func (last) lost() bool        { return false }
