package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web"
)

func TestTransportConnectionCutOff(t *testing.T) {
	const text = "the text of an answer"
	answers := map[string]string{
		"length":  clientWhole(text),
		"chunks":  clientChunks(text, 5),
		"interim": "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + clientWhole(text),
	}
	for how, end := range map[string]func(p *clientPeer) error{
		"closed": func(p *clientPeer) error { return p.conn.Close() },
		"reset":  func(p *clientPeer) error { return p.conn.Abort() },
		"reset when it has arrived": func(p *clientPeer) error {
			if err := errors.Join(p.conn.Flush(p.task), p.task.Sleep(5*time.Millisecond)); err != nil {
				return err
			}
			return p.conn.Abort()
		},
	} {
		for what, answer := range answers {
			t.Run(how+"/"+what, func(t *testing.T) {
				clientEach(t, func(e *clientEnv) { e.cutOff(answer, text, end) })
			})
		}
	}
}

// cutOff wants an error, or the whole text, wherever the answer ends.
func (e *clientEnv) cutOff(answer, text string, end func(p *clientPeer) error) {
	n := 0
	url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
		if _, err := p.conn.Write(p.task, []byte(answer[:n])); err != nil {
			return err
		}
		return errors.Join(end(p), io.EOF)
	})
	defer stop()
	for n = range len(answer) {
		if got, err := e.get(url); err == nil {
			e.Errorf("cut off after %d bytes: %q", n, got)
		} else if errors.Is(err, corolla.ErrCanceled) {
			e.Errorf("cut off after %d bytes: %v", n, err)
		}
	}
	n = len(answer)
	if got, err := e.get(url); err == nil && got != text {
		e.Errorf("whole: %q", got)
	}
	e.settle(func() bool { return e.tr.Stats() == web.TransportStats{} })
}

// slowly answers step by step, so that there is a moment between any two.
func slowly(p *clientPeer, r *http.Request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	for _, part := range []string{"HTTP/1.1 103 Hints\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-", "Length: 8\r\n\r\n", "0123", "4567"} {
		if err := p.say("%s", part); err != nil {
			return err
		}
		if err := p.task.Sleep(time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// canceledAtEveryStep makes requests that are stopped a little later each time, until one is not.
func canceledAtEveryStep(e *clientEnv, within func(d time.Duration, body func(ctx context.Context) error) error, target error) {
	url, stop := e.serve(slowly)
	defer stop()
	for d := time.Duration(0); ; d += 100 * time.Microsecond {
		err := within(d, func(ctx context.Context) error {
			body := clientUnsized{strings.NewReader(strings.Repeat("x", 100_000))}
			req, err := http.NewRequestWithContext(ctx, "POST", url, body)
			if err != nil {
				return err
			}
			resp, err := e.client.Do(req)
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			all, err := io.ReadAll(resp.Body)
			if err == nil && string(all) != "01234567" {
				e.Errorf("stopped after %v: %q and no error", d, all)
			}
			return err
		})
		if d > time.Second {
			e.Fatal("never done in time")
		}
		if err == nil {
			break
		}
		if !errors.Is(err, target) {
			e.Errorf("stopped after %v: %v", d, err)
		}
		e.settle(func() bool { return e.tr.Stats() == web.TransportStats{} && e.loop.Stats().Contexts == 0 })
	}
	e.wantStats(web.TransportStats{Idle: 1})
}

func TestTransportCanceledAtEveryStep(t *testing.T) {
	wrong := errors.New("something else was better")
	for name, test := range map[string]func(e *clientEnv){
		"a scope": func(e *clientEnv) {
			canceledAtEveryStep(e, func(d time.Duration, body func(ctx context.Context) error) error {
				return e.task.Timeout(d, func(*corolla.Scope) error { return body(context.Background()) })
			}, os.ErrDeadlineExceeded)
		},
		"a scope as a context": func(e *clientEnv) {
			canceledAtEveryStep(e, func(d time.Duration, body func(ctx context.Context) error) error {
				return e.task.Timeout(d, func(s *corolla.Scope) error { return body(s) })
			}, os.ErrDeadlineExceeded)
		},
		"a context": func(e *clientEnv) {
			canceledAtEveryStep(e, func(d time.Duration, body func(ctx context.Context) error) error {
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				defer e.loop.After(d, func() { cancel(wrong) }).Stop()
				return body(ctx)
			}, wrong)
		},
		"a deadline": func(e *clientEnv) {
			canceledAtEveryStep(e, func(d time.Duration, body func(ctx context.Context) error) error {
				ctx, cancel := context.WithDeadline(context.Background(), e.loop.Time().Add(d+time.Minute))
				defer cancel()
				return e.task.Timeout(d, func(*corolla.Scope) error { return body(ctx) })
			}, context.DeadlineExceeded)
		},
		"another task": func(e *clientEnv) {
			canceledAtEveryStep(e, func(d time.Duration, body func(ctx context.Context) error) error {
				f := e.loop.Go(func(t *corolla.Task) error { return body(t) })
				defer e.loop.After(d, func() { f.Cancel(nil) }).Stop()
				_, err := f.Await(e.task)
				return err
			}, context.Canceled)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				clientOn(t, "sim", seed, test)
			}
		})
	}
}

func TestTransportBodyOfAnEndedRequest(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error { return p.say("%s", clientWhole("0123456789")) })
		defer stop()
		why := errors.New("no longer needed")
		ctx, cancel := context.WithCancelCause(context.Background())
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			e.Fatal(err)
		}
		resp, err := e.client.Do(req)
		if err != nil {
			e.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
			e.Error(err)
		}
		cancel(why)
		for range 2 {
			if n, err := resp.Body.Read(make([]byte, 3)); n > 0 || !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
				e.Errorf("%d, %v", n, err)
			}
		}
		if err := resp.Body.Close(); err != nil {
			e.Error(err)
		}
		e.wantStats(web.TransportStats{})
	})
}

func TestTransportBodyHasOneReader(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		var more corolla.Event
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if err := p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"); err != nil {
				return err
			}
			if err := more.Wait(p.task); err != nil {
				return err
			}
			return p.say("56789")
		})
		defer stop()
		for _, closing := range []bool{false, true} {
			more.Clear()
			resp, err := e.client.Get(url)
			if err != nil {
				e.Fatal(err)
			}
			rest := corolla.Go(e.loop, func(*corolla.Task) (string, error) { // another task may read
				all, err := io.ReadAll(resp.Body)
				return string(all), err
			})
			if err := e.task.Yield(); err != nil {
				e.Fatal(err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err != corolla.ErrBusy {
				e.Errorf("a second reader: %v", err)
			}
			if closing {
				if err := resp.Body.Close(); err != nil {
					e.Error(err)
				}
				if got, err := rest.Await(e.task); !errors.Is(err, http.ErrBodyReadAfterClose) {
					e.Errorf("the reader of a closed body: %q, %v", got, err)
				}
				e.wantStats(web.TransportStats{})
			} else {
				more.Set()
				if got, err := rest.Await(e.task); got != "0123456789" || err != nil {
					e.Errorf("the first reader: %q, %v", got, err)
				}
			}
		}
	})
}

// TestTransportUnwound ends tasks where they wait, by panics.
func TestTransportUnwound(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if r.URL.Path == "/body" {
				if err := p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"); err != nil {
					return err
				}
			}
			_, err := p.in.ReadByte()
			return err
		})
		defer stop()
		h := green.NewHub(e.loop)
		for _, path := range []string{"/head", "/body"} {
			waits := h.Go(func() error {
				for { // it takes no notice of errors
					_, _ = e.get(url + path)
				}
			})
			e.settle(func() bool { return e.tr.Stats().Active == 1 })
			if err := e.task.Sleep(5 * time.Millisecond); err != nil {
				e.Fatal(err)
			}
			waits.Kill(nil)
			if _, err := waits.Future().Await(e.task); !errors.Is(err, green.ErrKilled) {
				e.Errorf("%s: %v", path, err)
			}
			e.wantStats(web.TransportStats{})
		}
	})
}
