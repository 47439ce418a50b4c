package talk

import (
	"sync"
	"time"
)

// Record is what happened, and when, while a row ran. Safe from any goroutine.
type Record struct {
	mu     sync.Mutex
	begin  time.Time
	moves  []Move
	slices []Span
	total  int
	alive  time.Duration // when the row last showed that it gets on

	watch *observer
	ready time.Duration // since when the socket could take some; < 0 is unknown
	idle  time.Duration // the longest that it could and got nothing
}

// Move is some bytes that the socket took.
type Move struct {
	At    time.Duration `json:"at"`
	Bytes int           `json:"bytes"`
}

// Span is a slice of counting.
type Span struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// NewRecord returns a record that begins at a time.
func NewRecord(begin time.Time) *Record { return &Record{begin: begin, ready: -1} }

func (r *Record) now() time.Duration { return time.Since(r.begin) }

func (r *Record) counted(from, to time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slices = append(r.slices, Span{from, to})
}

// Moved says how much of the data the socket has taken by now.
func (r *Record) Moved(total int) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if total == r.total {
		return
	}
	r.moves = append(r.moves, Move{now, total - r.total})
	r.total, r.alive = total, now
	if r.ready >= 0 {
		r.idle = max(r.idle, now-r.ready)
	}
	r.ready = -1
	if r.watch != nil {
		r.watch.look()
	}
}

// Alive says that the row gets on though it cannot say yet what the socket has taken.
func (r *Record) Alive() {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive = now
}

// quiet returns how long the row has shown no sign of life.
func (r *Record) quiet() time.Duration {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	return now - r.alive
}

// Observe names the socket, to find out how long it could have taken some but was
// given nothing. That is measured from outside, by a thread that waits for the socket
// to become writable: the row's own view would flatter it. What it sees of a socket that
// was closed before stop counts for nothing, as no byte moves after that.
func (r *Record) Observe(fd int) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := newObserver(fd, func() {
		now := r.now()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.ready < 0 {
			r.ready = now
		}
	})
	r.watch = w
	return func() {
		r.mu.Lock()
		r.watch = nil
		r.mu.Unlock()
		w.stop()
	}
}

// Result sums up.
type Result struct {
	Row      string  `json:"row"`
	OK       bool    `json:"ok"`
	Bytes    int     `json:"bytes"`
	Verified bool    `json:"verified"`
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"mib_per_s"`
	Slices   int     `json:"slices"` // counted while the send was under way
	Pace     float64 `json:"slices_per_s"`
	IdleIO   float64 `json:"longest_idle_io_ms"`
	IdleWork float64 `json:"longest_idle_work_ms"`
	Error    string  `json:"error"`
	Moves    []Move  `json:"-"`
	Spans    []Span  `json:"-"`
}

// result sums up. The send was under way until the socket had taken the last byte;
// the last arrived at end.
func (r *Record) result(row string, end time.Duration) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	res := Result{Row: row, Bytes: r.total, Seconds: end.Seconds(), Moves: r.moves, Spans: r.slices}
	res.Rate = float64(r.total) / (1 << 20) / max(res.Seconds, 1e-9)
	var sent, gap, last time.Duration
	if n := len(r.moves); n > 0 {
		sent = r.moves[n-1].At
	}
	for _, s := range r.slices {
		gap = max(gap, min(s.From, sent)-last)
		last = s.To
		if s.To > sent {
			break
		}
		res.Slices++
	}
	if res.Slices > 0 {
		res.Pace = float64(res.Slices) / max(sent.Seconds(), 1e-9)
	}
	gap = max(gap, sent-last)
	res.IdleWork = milliseconds(gap)
	res.IdleIO = milliseconds(r.idle)
	return res
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
