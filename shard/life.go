package shard

import (
	"context"

	"github.com/corolla-go/corolla"
)

// result is what came of a shard.
type result struct {
	counted  bool // the body's end
	run      error
	panicked any // what came out of the loop's Run
	closing  error
}

// live is a shard's goroutine.
func (s *Shard) live() {
	defer func() { s.result.panicked = recover() }()
	if s.group.pin {
		release, err := corolla.BindThread(s.index)
		if err != nil {
			s.die(err)
			s.result.closing = s.loop.Close()
			return
		}
		defer release()
	}
	if err := corolla.RunOnce(s.loop, s.die, s.main, s.end); err != s.result.run { //nolint:errorlint // the very error
		s.result.closing = err
	}
}

// main runs the body, in a task of its own, which may be unwound, and waits until those of all shards have
// ended. Then Run ends the other tasks.
func (s *Shard) main(t *corolla.Task) error {
	s.body = s.loop.Go(func(*corolla.Task) error { return s.group.body(s) },
		corolla.Name(s.String()), corolla.Describe(s.group.body, s))
	s.task = s.body.Task()
	if s.early != nil {
		s.body.Cancel(s.early)
	}
	_, err := s.body.Await(t)
	if !s.body.Done() { // the loop is being closed
		return err
	}
	_, err = s.body.Result() // and not that t was canceled, which the body was too
	s.bodyEnded(err)
	defer s.bound()
	return t.Shielded(func(*corolla.Scope) error { return s.over.Wait(t) })
}

// end tells the others that there is nothing more to come, and waits until all have done so.
func (s *Shard) end(t *corolla.Task) error {
	if s.bounded != nil {
		s.bounded.Stop() // not while others are heard
	}
	defer s.bound()
	s.ended = true
	s.sendLast()
	return t.Shielded(func(*corolla.Scope) error { return s.heard.Wait(t) })
}

func (s *Shard) bodyEnded(err error) {
	if s.result.counted && corolla.IsOnly(err, corolla.ErrLoopClosed, corolla.ErrCanceled, context.Canceled) {
		return // die has told all, and the loop is being closed
	}
	if err != nil {
		s.group.fail(s, err)
	}
	s.count()
}

// count takes note, once, that the body has ended, or will have by the time that anybody could ask.
func (s *Shard) count() {
	if !s.result.counted {
		s.result.counted = true
		s.group.bodyEnded()
	}
}

// cancel cancels the body.
func (s *Shard) cancel(cause error) {
	if s.early = cause; s.body != nil {
		s.body.Cancel(cause)
	}
}

// sendLast tells every shard that there is nothing more to come.
func (s *Shard) sendLast() {
	for _, k := range s.out {
		k.push(last{})
	}
	s.flush()
}

// die ends a shard on its goroutine, when its loop does not run any more. If all is well there is nothing
// left to tell.
func (s *Shard) die(err error) {
	if s.result.run = err; err != nil {
		s.group.fail(s, err)
	}
	s.count()
	if !s.ended {
		s.ended = true
		s.sendLast()
	}
	s.flush() // the answers of a turn that was cut short
	for _, k := range s.in {
		k.close()
	}
}
