package web

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"time"
)

var errOnLoopOver = errors.New("web: the handler has returned")

// onLoopWriter is the ResponseWriter of a handler on the loop. It collects what is written while an
// errand writes what was collected before.
type onLoopWriter struct {
	x      *onLoopCall
	lane   onLoopLane
	header http.Header
	buf    *[]byte     // nil if nothing is collected
	status int         // 0 until it is chosen
	head   http.Header // what the header was then; nil once it is handed over
	sent   bool        // an errand has begun the answer
	over   bool        // the handler has returned
}

var _ interface {
	http.Flusher
	io.StringWriter
	io.ReaderFrom
} = (*onLoopWriter)(nil)

func (w *onLoopWriter) Header() http.Header {
	w.x.h.loop.Check("Header of a response")
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader parks the task only for an informational status that follows another.
func (w *onLoopWriter) WriteHeader(status int) {
	w.x.h.loop.Check("WriteHeader of a response")
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("web: WriteHeader of %d: a status has three digits", status))
	}
	if w.status != 0 || w.over {
		return // the first counts, as with net/http
	}
	head := w.header.Clone()
	if head == nil {
		head = http.Header{}
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status, w.head = status, head
		return
	}
	if w.x.wait(&w.lane, "an informational response") == nil {
		w.x.send(&w.lane, func() error {
			putOnLoop(w.x.w, head)
			w.x.w.WriteHeader(status)
			return nil
		})
	}
}

func putOnLoop(w http.ResponseWriter, head http.Header) {
	clear(w.Header())
	maps.Copy(w.Header(), head)
}

// ready prepares for a call that may write.
func (w *onLoopWriter) ready(what string) error {
	w.x.h.loop.Check(what + " of a response")
	if w.over {
		return errOnLoopOver
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.lane.err
}

// bodyAllowed reports whether answers with the status have bodies (RFC 9110, sections 15.3.5 and 15.4.5).
func (w *onLoopWriter) bodyAllowed() bool {
	return w.status >= 200 && w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// Write parks the task while the buffer is full and the one before is not yet written.
func (w *onLoopWriter) Write(p []byte) (int, error) { return collectOnLoop(w, "Write", p) }

// WriteString is Write for a string.
func (w *onLoopWriter) WriteString(s string) (int, error) {
	return collectOnLoop(w, "WriteString", s)
}

func collectOnLoop[T string | []byte](w *onLoopWriter, what string, p T) (n int, err error) {
	if err := w.ready(what); err != nil {
		return 0, err
	}
	if len(p) > 0 && !w.bodyAllowed() {
		return 0, http.ErrBodyNotAllowed
	}
	for n < len(p) {
		if w.buf != nil && len(*w.buf) == onLoopLarge {
			if err := w.x.wait(&w.lane, "a response"); err != nil {
				return n, err
			}
			if err := w.ready(what); err != nil { // of the errand that has ended
				return n, err
			}
			if w.buf != nil && len(*w.buf) == onLoopLarge { // or another task has seen to it
				w.x.send(&w.lane, w.take(nil))
			}
			continue
		}
		room := w.room(len(p) - n)
		*w.buf = append(*w.buf, p[n:n+room]...)
		n += room
	}
	return n, nil
}

// room makes room for up to want bytes, at least one.
func (w *onLoopWriter) room(want int) int {
	if w.buf == nil {
		w.buf = onLoopBuffer(want > onLoopSmall)
	}
	if old := w.buf; want > cap(*old)-len(*old) && cap(*old) < onLoopLarge {
		w.buf = onLoopBuffer(true)
		*w.buf = append(*w.buf, *old...)
		dropOnLoopBuffer(old)
	}
	return min(want, onLoopLarge-len(*w.buf), cap(*w.buf)-len(*w.buf))
}

// take returns the errand that writes what has collected, and then calls more, which may be nil.
func (w *onLoopWriter) take(more func() error) func() error {
	buf, head, status, to := w.buf, w.head, w.status, w.x.w
	w.buf, w.head, w.sent = nil, nil, true
	return func() (err error) {
		defer dropOnLoopBuffer(buf)
		if head != nil {
			putOnLoop(to, head)
			to.WriteHeader(status)
		}
		if buf != nil {
			_, err = to.Write(*buf)
		}
		if err == nil && more != nil {
			err = more()
		}
		return err
	}
}

// last returns what the last errand does: it writes the rest, and the trailers. It is given the error
// of the task.
func (w *onLoopWriter) last() func(error) {
	to, header, failed, bare := w.x.w, w.header, w.lane.err != nil, w.status == 0
	rest := w.take(nil)
	return func(err error) {
		switch {
		case err != nil:
			refuseOnLoop(to)
		case bare:
			putOnLoop(to, header)
		case !failed:
			_ = rest() // nobody is left to hear of it
			putOnLoop(to, header)
		}
	}
}

// Flush is FlushError.
func (w *onLoopWriter) Flush() { _ = w.FlushError() }

// FlushError parks the task until everything written is on its way.
func (w *onLoopWriter) FlushError() error {
	if err := w.ready("Flush"); err != nil {
		return err
	}
	var unsupported error
	err := w.through("Flush", func() error {
		err := http.NewResponseController(w.x.w).Flush()
		if errors.Is(err, http.ErrNotSupported) { // which is no failure of the response
			unsupported, err = err, nil
		}
		return err
	})
	if err == nil {
		err = unsupported
	}
	return err
}

// through writes what has collected, has an errand do something after it, and waits for both.
func (w *onLoopWriter) through(what string, do func() error) error {
	if err := w.x.wait(&w.lane, "a response"); err != nil {
		return err
	}
	if err := w.ready(what); err != nil {
		return err
	}
	w.x.send(&w.lane, w.take(do))
	if err := w.x.wait(&w.lane, "a response"); err != nil {
		return err
	}
	return w.lane.err
}

// ReadFrom leaves files to net/http, and writes what it reads of anything else.
func (w *onLoopWriter) ReadFrom(src io.Reader) (int64, error) {
	if err := w.ready("ReadFrom"); err != nil {
		return 0, err
	}
	limit := int64(-1)
	file, plain := src.(*os.File)
	limited, ok := src.(*io.LimitedReader)
	if ok {
		file, plain = limited.R.(*os.File)
		limit = max(limited.N, 0)
	}
	if !plain || !w.bodyAllowed() {
		buf := onLoopBuffer(true)
		defer dropOnLoopBuffer(buf)
		return io.CopyBuffer(struct{ io.Writer }{w}, src, (*buf)[:cap(*buf)])
	}
	return w.sendFile(file, limit, limited)
}

// sendFile sends a file, or at most limit bytes of it if that is not negative, which then count for
// limited.
func (w *onLoopWriter) sendFile(f *os.File, limit int64, limited *io.LimitedReader) (int64, error) {
	var moved int64
	err := w.through("ReadFrom", func() (err error) {
		if limit < 0 {
			moved, err = io.Copy(w.x.w, f)
		} else {
			moved, err = io.Copy(w.x.w, io.LimitReader(f, limit))
		}
		return err
	})
	if w.lane.busy {
		return 0, err // canceled: nobody knows yet
	}
	if limited != nil {
		limited.N -= moved
	}
	return moved, err
}

// SetReadDeadline is for http.ResponseController, as are the next two.
func (w *onLoopWriter) SetReadDeadline(when time.Time) error {
	return w.set("SetReadDeadline", func(c *http.ResponseController) error { return c.SetReadDeadline(when) })
}

func (w *onLoopWriter) SetWriteDeadline(when time.Time) error {
	return w.set("SetWriteDeadline", func(c *http.ResponseController) error { return c.SetWriteDeadline(when) })
}

func (w *onLoopWriter) EnableFullDuplex() error {
	return w.set("EnableFullDuplex", func(c *http.ResponseController) error { return c.EnableFullDuplex() })
}

// set parks the task until an errand has set something.
func (w *onLoopWriter) set(what string, do func(*http.ResponseController) error) error {
	x := w.x
	x.h.loop.Check(what + " of a response")
	if w.over {
		return errOnLoopOver
	}
	if err := x.wait(&x.control, what); err != nil {
		return err
	}
	var result error
	x.send(&x.control, func() error {
		result = do(http.NewResponseController(x.w))
		return nil
	})
	if err := x.wait(&x.control, what); err != nil {
		return err
	}
	return result
}
