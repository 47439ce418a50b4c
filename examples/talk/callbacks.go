package talk

import "github.com/corolla-go/corolla"

// callbacks has a bare socket on an event loop: one callback writes when the socket takes
// some, another counts and then asks to be called again.
func callbacks(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	var failed error
	l.Dial("tcp", j.Addr).OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			failed = err
			l.Stop()
			return
		}
		stop := j.Observe(s.FD())
		sent := 0
		s.OnWritable(func() {
			n, err := s.TryWrite(j.Data[sent:])
			if err != nil && err != corolla.ErrWouldBlock {
				failed = err
			}
			sent += n
			j.Moved(sent)
			if sent == len(j.Data) || failed != nil {
				stop()
				s.Close()
				l.Stop()
			}
		})
		count(l, j)
	})
	if err := l.RunForever(); err != nil {
		return err
	}
	return failed
}

// count counts a slice in every turn of the loop, for as long as it runs.
func count(l *corolla.Loop, j *Job) {
	var slice func()
	slice = func() {
		j.Slice()
		l.Soon(slice)
	}
	l.Soon(slice)
}
