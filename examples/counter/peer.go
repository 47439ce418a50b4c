package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// peer is another replica, as one sees it: a connection that comes back, and what was asked on it.
type peer struct {
	addr    string
	conn    *aio.Conn // nil while there is none
	last    int       // the number of the last question
	waiting []question
	note    func(what string)
}

type question struct {
	number int
	answer *corolla.Future[[]string]
}

var errAway = errors.New("not connected")

// keep stays connected, until the task is canceled.
func (p *peer) keep(t *corolla.Task) error {
	for {
		err := p.talk(t)
		p.lost(err)
		if err := t.Sleep(100 * time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *peer) talk(t *corolla.Task) error {
	c, err := aio.Dial(t, "tcp", p.addr, corolla.DialTimeout(time.Second))
	if err != nil {
		return err
	}
	defer c.Close()
	p.conn = c
	for {
		line, err := c.ReadUntil(t, []byte("\n"))
		if err != nil {
			return err
		}
		p.heard(strings.Fields(string(line)))
	}
}

// lost fails what was asked on a connection that has ended.
func (p *peer) lost(err error) {
	p.conn = nil
	if len(p.waiting) > 0 {
		p.note("lost with a question open")
	}
	for _, q := range p.waiting {
		_ = q.answer.Fail(fmt.Errorf("%s: %w", p.addr, errors.Join(errAway, err))) // or it was given up
	}
	p.waiting = nil
}

// sync asks the peer to store names. The answer is all that it has.
func (p *peer) sync(l *corolla.Loop, names []string) *corolla.Future[[]string] {
	answer := corolla.NewFuture[[]string](l)
	if p.conn == nil {
		_ = answer.Fail(fmt.Errorf("%s: %w", p.addr, errAway))
		return answer
	}
	p.last++
	q := question{p.last, answer}
	if err := p.conn.TryWrite([]byte(fmt.Sprintf("sync %d %s\n", q.number, strings.Join(names, " ")))); err != nil {
		_ = answer.Fail(err)
		return answer
	}
	p.waiting = append(p.waiting, q)
	answer.OnDone(func(*corolla.Future[[]string]) { p.forget(q.number) })
	return answer
}

// forget is for a question that nobody waits for any more.
func (p *peer) forget(number int) {
	p.waiting = slices.DeleteFunc(p.waiting, func(q question) bool { return q.number == number })
}

// heard takes an answer: have NUMBER NAME….
func (p *peer) heard(words []string) {
	if len(words) < 2 || words[0] != "have" {
		return
	}
	number, _ := strconv.Atoi(words[1])
	i := slices.IndexFunc(p.waiting, func(q question) bool { return q.number == number })
	if i < 0 {
		p.note("answered too late")
		return
	}
	_ = p.waiting[i].answer.Resolve(words[2:]) // it is waiting
}
