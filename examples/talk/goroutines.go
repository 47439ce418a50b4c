package talk

import (
	"net"
	"sync/atomic"
)

// goroutines is Go's own way: the sender has a goroutine, and waits without a thread.
func goroutines(j *Job) error {
	c, err := net.Dial("tcp", j.Addr)
	if err != nil {
		return err
	}
	defer c.Close()
	stop, err := j.observeConn(c)
	if err != nil {
		return err
	}
	defer stop()
	var sent atomic.Bool
	ended := make(chan error, 1)
	go func() {
		ended <- send(j, c)
		sent.Store(true)
	}()
	for !sent.Load() {
		j.Slice()
	}
	return <-ended
}

func send(j *Job, c net.Conn) error {
	for sent := 0; sent < len(j.Data); j.Moved(sent) {
		n, err := c.Write(j.Next(sent))
		if err != nil {
			return err
		}
		sent += n
	}
	return nil
}

// observeConn is Observe for a connection of Go's net.
func (j *Job) observeConn(c net.Conn) (stop func(), err error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	err = raw.Control(func(fd uintptr) { stop = j.Observe(int(fd)) })
	return stop, err
}
