package program

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/corolla-go/corolla"
)

// logged makes a handler that logs each request when it is done: in the order in which they end.
func logged(l *corolla.Loop, to *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, method, path := l.Now(), r.Method, r.URL.Path // which handlers may change
		rec := &recorder{ResponseWriter: w}
		returned := false
		defer func() { // also after a panic, which goes on
			attrs := []slog.Attr{
				slog.String("method", method), slog.String("path", path),
				slog.Int("status", rec.final(returned)), slog.Int64("bytes", rec.bytes),
				slog.Duration("duration", (l.Now() - began).Round(time.Microsecond)), slog.String("peer", r.RemoteAddr),
			}
			if !returned {
				attrs = append(attrs, slog.Bool("aborted", true))
			}
			to.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
		}()
		h.ServeHTTP(rec, r)
		returned = true
	})
}

// recorder is a ResponseWriter that knows what was answered. What it does not have itself,
// http.ResponseController finds behind Unwrap.
type recorder struct {
	http.ResponseWriter
	status int // 0 until it is chosen
	bytes  int64
}

// final returns the status that the client got, or 0 if it got none.
func (w *recorder) final(returned bool) int {
	if w.status == 0 && returned {
		return http.StatusOK
	}
	return w.status
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) begin(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
}

func (w *recorder) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom lets a file be sent by the system.
func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	return n, err
}

// Hijack counts as an answer, since its status goes out on the connection itself.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begin(http.StatusSwitchingProtocols)
	}
	return c, rw, err
}

// Flush is for those who ask for an http.Flusher.
func (w *recorder) Flush() { _ = w.FlushError() }

func (w *recorder) FlushError() error {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}
