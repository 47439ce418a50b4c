package shard

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla"
)

// result is what came of a shard.
type result struct {
	counted  bool // the body's end
	whole    bool // the loop has run until every body had ended
	panicked any  // what came out of the loop's Run
	closing  error
}

// live is a shard's goroutine.
func (s *Shard) live() {
	if s.group.pin {
		release, err := corolla.BindThread(s.index)
		if err != nil {
			s.die(err)
			return
		}
		defer release()
	}
	err := corolla.ErrGoexit
	defer func() { // after a panic or a runtime.Goexit too
		if v := recover(); v != nil {
			s.result.panicked = v
			err = fmt.Errorf("panic: %v", v)
		}
		s.die(err)
	}()
	err = s.loop.Run(s.main)
	if !s.result.whole {
		return
	}
	s.ended = true
	s.sendLast()
	err = errors.Join(err, s.loop.RunForever()) // until all have sent their last
}

// main runs the body, in a task of its own, which may be unwound, and waits until those of all shards have
// ended.
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
	if err := t.Shielded(func(*corolla.Scope) error { return s.over.Wait(t) }); err != nil {
		return err
	}
	s.result.whole = true
	return nil
}

func (s *Shard) bodyEnded(err error) {
	s.result.counted = true
	if err != nil {
		s.group.fail(s, err)
	}
	s.group.bodyEnded()
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

// die ends a shard on its goroutine, when its loop does not run any more.
func (s *Shard) die(err error) {
	if err != nil {
		s.group.fail(s, err)
	}
	if !s.result.counted {
		s.result.counted = true
		s.group.bodyEnded()
	}
	if !s.ended {
		s.ended = true
		s.sendLast()
	}
	for _, k := range s.in {
		k.close()
	}
	s.result.closing = s.loop.Close()
}
