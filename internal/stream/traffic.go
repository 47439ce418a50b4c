package stream

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"

	"github.com/corolla-go/corolla"
)

// traffic is the log of one connection.
type traffic struct {
	loop          *corolla.Loop
	to            slog.Handler // which knows the addresses
	how           *corolla.TrafficLog
	stream        *Stream
	ended         bool // the peer's end was logged
	read, written int64
}

// logTraffic starts the log of a stream. Without a handler of its own, there is none.
func logTraffic(s *Stream, how *corolla.TrafficLog) {
	y := &traffic{loop: s.sock.Loop(), how: how, stream: s}
	defer y.recovered()
	y.to = how.Logger.Handler().WithAttrs([]slog.Attr{
		slog.String("network", s.sock.Network()),
		slog.String("local", known(s.to().LocalAddr())),
		slog.String("remote", known(s.sock.PeerAddr())),
	})
	s.rest().traffic = y
	y.log("open", nil)
	s.sock.OnClosed(y.closed)
}

// recovered is deferred: a panic of the handler would otherwise be taken for the connection's, or end it
// before anyone has it to close.
func (y *traffic) recovered() {
	if v := recover(); v != nil {
		y.loop.Recovered(v, "the handler of a log of traffic")
	}
}

// log writes a record, with what attrs returns, which is asked only if the record is wanted.
func (y *traffic) log(what string, attrs func(*slog.Record)) {
	defer y.recovered()
	ctx := context.Background()
	if !y.to.Enabled(ctx, slog.LevelDebug) {
		return
	}
	r := slog.NewRecord(y.loop.Time(), slog.LevelDebug, what, 0)
	if attrs != nil {
		attrs(&r)
	}
	_ = y.to.Handle(ctx, r) // which slog ignores too
}

// data logs bytes that were read or written.
func (y *traffic) data(what string, n int, pieces ...[]byte) {
	y.log(what, func(r *slog.Record) {
		var shown []byte
		for _, b := range pieces {
			if most := y.how.Most; most >= 0 {
				b = b[:min(len(b), most-len(shown))]
			}
			shown = append(shown, b...)
		}
		r.AddAttrs(slog.Int("bytes", n))
		switch {
		case len(shown) == 0:
			return
		case y.how.Format == corolla.AsHex:
			r.AddAttrs(slog.String("data", hex.EncodeToString(shown)))
		default:
			r.AddAttrs(slog.String("data", string(shown)))
		}
		if more := n - len(shown); more > 0 {
			r.AddAttrs(slog.Int("more", more))
		}
	})
}

func (y *traffic) closed() {
	y.log("close", func(r *slog.Record) {
		r.AddAttrs(slog.Int64("read", y.read), slog.Int64("written", y.written))
		err := y.stream.Expired()
		if err == nil {
			err = y.stream.Err()
		}
		if err != nil {
			r.AddAttrs(slog.String("error", err.Error()))
		}
	})
}

// received is told of what an attempt to read has brought.
func received(s *Stream, b []byte, err error) {
	if s.more == nil || len(b) == 0 && err != io.EOF {
		return
	}
	s.Active()
	y := s.more.traffic
	switch {
	case y == nil:
	case len(b) > 0:
		y.read += int64(len(b))
		y.data("read", len(b), b)
	case !y.ended:
		y.ended = true
		y.log("end", nil)
	}
}

// accepted is told of what is written.
func accepted(s *Stream, pieces ...[]byte) {
	if s.more == nil {
		return
	}
	s.Active()
	if y := s.more.traffic; y != nil {
		n := 0
		for _, b := range pieces {
			n += len(b)
		}
		y.written += int64(n)
		y.data("write", n, pieces...)
	}
}

// carried is told of what was received, or sent, without coming into the program.
func carried(s *Stream, in, out int64) {
	if s.more == nil || s.more.traffic == nil {
		return
	}
	y := s.more.traffic
	if y.read += in; in > 0 {
		y.data("read", int(in))
	}
	if y.written += out; out > 0 {
		y.data("write", int(out))
	}
}
