package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// patience is how long, in real time, Log.Check looks for an order before it gives up: the number of
// orders grows beyond all bounds with the number of operations that overlap.
const patience = 20 * time.Second

// Log is what clients asked of a system and what it answered, and when. I and O are what goes in and
// comes out of an operation.
type Log[I, O any] struct {
	now  func() time.Duration
	ops  []*Op[I, O]
	step int64 // counts beginnings and ends: of two at the same time, one was first
}

// NewLog returns an empty log that takes its times from now, such as Loop.Now or World.Now.
func NewLog[I, O any](now func() time.Duration) *Log[I, O] { return &Log[I, O]{now: now} }

// Op is one operation in a Log.
type Op[I, O any] struct {
	log        *Log[I, O]
	client     int
	in         I
	out        O
	from, till time.Duration
	call, ret  int64 // the steps
	state      state
}

type state int

const (
	unknown state = iota // it has not ended, or in nobody knows what
	ended
	failed
)

// Begin notes that a client, known by a number, asks for something. As long as the operation has not
// ended it may have been done at any time since, or never: leave it so if the answer was lost.
func (l *Log[I, O]) Begin(client int, in I) *Op[I, O] {
	l.step++
	o := &Op[I, O]{log: l, client: client, in: in, from: l.now(), call: l.step}
	l.ops = append(l.ops, o)
	return o
}

// End notes the answer. It panics if the operation has ended.
func (o *Op[I, O]) End(out O) { o.end(out, ended) }

// Fail notes that the operation was certainly not done, and never will be. It panics if the operation
// has ended.
func (o *Op[I, O]) Fail() {
	var none O
	o.end(none, failed)
}

func (o *Op[I, O]) end(out O, as state) {
	if o.state != unknown {
		panic("history: an operation ended twice")
	}
	o.log.step++
	o.out, o.state, o.till, o.ret = out, as, o.log.now(), o.log.step
}

// Len returns how many operations have begun.
func (l *Log[I, O]) Len() int { return len(l.ops) }

// Model is a system that does one thing at a time. S is its state, which must be comparable.
type Model[S comparable, I, O any] struct {
	Start S
	// Step does in on s. It returns the state after that, and whether the answer would be out. Where
	// known is false nobody knows the answer, and any is right.
	Step func(s S, in I, out O, known bool) (S, bool)
}

// Linearizable says why l is not what a system that does one thing at a time could have answered: if
// each operation had been done at one moment between its beginning and its end. (Herlihy and Wing,
// 1990.) The time it takes grows fast with the number of operations that overlap.
func Linearizable[S comparable, I, O any](l *Log[I, O], m Model[S, I, O]) error {
	ops := make([]porcupine.Operation, 0, len(l.ops))
	for _, o := range l.ops {
		ret := o.ret
		switch o.state {
		case failed:
			continue
		case unknown:
			ret = math.MaxInt64
		}
		ops = append(ops, porcupine.Operation{ClientId: o.client, Input: o, Output: o, Call: o.call, Return: ret})
	}
	model := porcupine.Model{
		Init: func() any { return m.Start },
		Step: func(s, _, op any) (bool, any) {
			o := op.(*Op[I, O])
			next, ok := m.Step(s.(S), o.in, o.out, o.state == ended)
			return ok, next
		},
	}
	switch porcupine.CheckOperationsTimeout(model, ops, patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return fmt.Errorf("history: no order explains these answers:\n%s", l)
	}
	return fmt.Errorf("history: %w after %v", errUndecided, patience)
}

var errUndecided = errors.New("too many operations overlap to decide")

// String lists the operations in the order in which they began.
func (l *Log[I, O]) String() string {
	var b strings.Builder
	for _, o := range l.ops {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}

func (o *Op[I, O]) String() string {
	switch s := fmt.Sprintf("client %d  %12v  %v", o.client, o.from, o.in); o.state {
	case ended:
		return fmt.Sprintf("%s = %v  %v", s, o.out, o.till)
	case failed:
		return s + "  was not done"
	default:
		return s + "  unknown"
	}
}

// Register returns the model of a variable that starts as start.
func Register[T comparable](start T) Model[T, RegisterOp[T], T] {
	return Model[T, RegisterOp[T], T]{
		Start: start,
		Step: func(s T, in RegisterOp[T], out T, known bool) (T, bool) {
			if in.Write {
				return in.Value, true
			}
			return s, !known || s == out
		},
	}
}

// RegisterOp writes a register, or reads it.
type RegisterOp[T any] struct {
	Write bool
	Value T // to write
}

func (o RegisterOp[T]) String() string {
	if o.Write {
		return fmt.Sprintf("write %v", o.Value)
	}
	return "read"
}

// CheckQueue says why l is not what one queue, first in, first out, could have answered.
func CheckQueue[T comparable](l *Log[QueueOp[T], QueueItem[T]]) error {
	type queue = string // the items' numbers, so that it can be compared
	var items []T
	number := func(v T) rune {
		i := slices.Index(items, v)
		if i < 0 {
			i, items = len(items), append(items, v)
		}
		return rune(i)
	}
	return Linearizable(l, Model[queue, QueueOp[T], QueueItem[T]]{
		Step: func(s queue, in QueueOp[T], out QueueItem[T], known bool) (queue, bool) {
			if in.Put {
				return s + string(number(in.Value)), true
			}
			if s == "" {
				return s, !known || !out.OK
			}
			first := []rune(s)[0]
			return s[len(string(first)):], !known || out.OK && number(out.Value) == first
		},
	})
}

// QueueOp puts a value into a queue, or takes the first out.
type QueueOp[T any] struct {
	Put   bool
	Value T // to put
}

func (o QueueOp[T]) String() string {
	if o.Put {
		return fmt.Sprintf("put %v", o.Value)
	}
	return "take"
}

// QueueItem is what was taken out of a queue; OK is false if it was empty.
type QueueItem[T any] struct {
	Value T
	OK    bool
}
