package talk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Options say how to run the rows.
type Options struct {
	Rows []Row
	MiB  int
	Rate float64 // of the embedded sink, MiB/s
	Sink string  // an address to send to instead of the embedded sink
	// Stall is how long a row may make no progress; 0 is 30 s.
	Stall time.Duration
	// Progress is told of each row before it runs.
	Progress func(number int, row Row)
}

// probe finds out whether anybody listens at an address, and at which one exactly.
func probe(ctx context.Context, addr string) (exactly string, err error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		return c.RemoteAddr().String(), c.Close()
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // the rest says the same again
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return "", fmt.Errorf("dial %s: %w", addr, err)
}

// Run runs the rows, one after the other. A row that fails says so in its result, and
// the others run. If ctx ends, it returns what there is, and the context's error.
func Run(ctx context.Context, o Options) ([]Result, error) {
	data := Data(o.MiB << 20)
	var sink *Sink
	var addr string
	var err error
	if o.Sink != "" {
		if addr, err = probe(ctx, o.Sink); err != nil {
			return nil, err
		}
	} else {
		if sink, err = NewSink(data, o.Rate); err != nil {
			return nil, err
		}
		defer sink.Close()
		addr = sink.Addr()
	}
	var results []Result
	for i, row := range o.Rows {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		if o.Progress != nil {
			o.Progress(i, row)
		}
		res, err := runRow(ctx, o, row, &Job{Addr: addr, Data: data, Record: NewRecord(time.Now())}, sink)
		if err != nil {
			return results, err
		}
		results = append(results, res)
	}
	return results, nil
}

func runRow(ctx context.Context, o Options, row Row, j *Job, sink *Sink) (Result, error) {
	ended := make(chan error, 1)
	go func() { ended <- row.Send(j) }()
	stalled := o.Stall
	if stalled == 0 {
		stalled = 30 * time.Second
	}
	var err error
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case err = <-ended:
			waiting = false
		case <-ctx.Done():
			j.Abandon()
			return Result{}, ctx.Err()
		case <-tick.C:
			if j.quiet() > stalled {
				err = fmt.Errorf("no byte moved for %v", stalled)
				j.Abandon()
				waiting = false
			}
		}
	}
	end := j.lastMove()
	verified := false
	if sink != nil && err == nil {
		select {
		case r := <-sink.Received():
			verified, err = r.Err == nil, r.Err
			end = r.End.Sub(j.begin)
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	} else if sink != nil {
		select { // the sink must be done with this row before the next
		case <-sink.Received():
		case <-time.After(time.Second):
		}
	}
	res := j.result(row.Name, end)
	res.Verified = verified
	if err != nil {
		res.Error = err.Error()
	} else if res.Bytes != len(j.Data) {
		res.Error = fmt.Sprintf("%d of %d bytes were sent", res.Bytes, len(j.Data))
	}
	res.OK = res.Error == ""
	return res, nil
}

// lastMove returns when bytes moved last, or 0.
func (r *Record) lastMove() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.moves) == 0 {
		return 0
	}
	return r.moves[len(r.moves)-1].At
}
