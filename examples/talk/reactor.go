package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
)

// factory builds the protocols, as Twisted has it, and tells the end by a Deferred.
type factory struct {
	j    *Job
	done *deferred.Deferred
}

func (f *factory) build() *sender {
	return &sender{j: f.j, end: func(err error) {
		if err != nil {
			f.done.Errback(err)
		} else {
			f.done.Callback(nil)
		}
	}}
}

// reactor ends when the factory's Deferred fires.
func reactor(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	f := &factory{j, deferred.New(l)}
	var failed error
	f.done.AddErrback(func(err error) (any, error) { failed = err; return nil, nil })
	f.done.AddCallback(func(any) (any, error) { l.Stop(); return nil, nil })
	p := f.build()
	transport.Dial(l, "tcp", j.Addr, p).OnDone(func(c *corolla.Future[*transport.Conn]) {
		if _, err := c.Result(); err != nil {
			f.done.Errback(err)
		}
	})
	countAndWatch(l, p)
	if err := l.RunForever(); err != nil {
		return err
	}
	return failed
}
