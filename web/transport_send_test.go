package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

func (e *clientEnv) request(method, url string, body io.Reader, change func(r *http.Request)) (*http.Response, error) {
	e.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		e.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	return e.client.Do(req)
}

func expecting(r *http.Request) { r.Header.Set("Expect", "100-continue") }

func TestTransportExpect(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		e.tr.ExpectContinueTimeout = 10 * time.Millisecond
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			switch r.URL.Path {
			case "/continue":
				if err := p.say("HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
					return err
				}
			case "/refuse":
				if err := p.say("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno"); err != nil {
					return err
				}
				_, err := p.in.ReadByte() // the connection ends
				return fmt.Errorf("there was a body, or %w", err)
			}
			all, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			return p.say("%s", clientWhole(string(all)))
		})
		defer stop()
		for _, c := range []struct {
			path, want string
			idle       int
		}{{"/continue", "text", 1}, {"/silent", "text", 1}, {"/refuse", "no", 0}} {
			resp, err := e.request("POST", url+c.path, strings.NewReader("text"), expecting)
			if err != nil {
				e.Fatal(err)
			}
			if all, err := io.ReadAll(resp.Body); string(all) != c.want || err != nil {
				e.Errorf("%s: %q, %v", c.path, all, err)
			}
			e.wantStats(web.TransportStats{Idle: c.idle})
		}
	})
}

func TestTransportEarlyAnswer(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if r.URL.Path == "/polite" { // it reads the rest
				return p.say("%s", clientWhole("early"))
			}
			if err := p.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nearly"); err != nil {
				return err
			}
			if err := errors.Join(p.conn.Flush(p.task), p.task.Sleep(10*time.Millisecond)); err != nil {
				return err
			}
			return io.EOF
		})
		defer stop()
		for range 5 {
			closed := false
			body := clientCloser{clientUnsized{strings.NewReader(strings.Repeat("x", 4<<20))}, func() { closed = true }}
			resp, err := e.request("POST", url, body, nil)
			if err != nil {
				e.Fatal(err)
			}
			if all, err := io.ReadAll(resp.Body); string(all) != "early" || err != nil || resp.StatusCode != 413 {
				e.Errorf("%v %q, %v", resp.Status, all, err)
			}
			e.settle(func() bool { return e.tr.Stats() == web.TransportStats{} && closed })
		}
		resp, err := e.request("POST", url+"/polite", clientUnsized{strings.NewReader(strings.Repeat("x", 200<<10))}, nil)
		if err != nil {
			e.Fatal(err)
		}
		if all, err := io.ReadAll(resp.Body); string(all) != "early" || err != nil {
			e.Errorf("%q, %v", all, err)
		}
		e.settle(func() bool { return e.tr.Stats() == web.TransportStats{Idle: 1} })
	})
}

// TestTransportAnswersWhileSending is a conversation in one request and its response.
func TestTransportAnswersWhileSending(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if err := p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
				return err
			}
			buf := make([]byte, 100)
			for {
				n, err := r.Body.Read(buf)
				if n > 0 {
					if err := p.say("%x\r\n%s\r\n", n, strings.ToUpper(string(buf[:n]))); err != nil {
						return err
					}
				}
				if err == io.EOF {
					return p.say("0\r\n\r\n")
				}
				if err != nil {
					return err
				}
			}
		})
		defer stop()
		words := corolla.NewQueue[string](0)
		resp, err := e.request("POST", url, clientReader(func(b []byte) (int, error) {
			w, err := words.Get(e.loop.Current())
			if err != nil {
				return 0, io.EOF
			}
			return copy(b, w), nil
		}), nil)
		if err != nil {
			e.Fatal(err)
		}
		buf := make([]byte, 100)
		for _, w := range []string{"sepal", "petal", "stamen"} {
			if err := words.Put(e.task, w); err != nil {
				e.Fatal(err)
			}
			if n, err := io.ReadFull(resp.Body, buf[:len(w)]); string(buf[:n]) != strings.ToUpper(w) || err != nil {
				e.Errorf("said %q, heard %q, %v", w, buf[:n], err)
			}
		}
		words.Shutdown(false)
		if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
			e.Errorf("at the end: %q, %v", rest, err)
		}
		e.settle(func() bool { return e.tr.Stats() == web.TransportStats{Idle: 1} })
	})
}

func TestTransportBadBodies(t *testing.T) {
	broken := errors.New("the disk is broken")
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return err
			}
			return p.say("%s", clientWhole("ok"))
		})
		defer stop()
		text := strings.Repeat("x", 100_000)
		for name, c := range map[string]struct {
			body   io.Reader
			length int64
			want   string
		}{
			"broken": {io.MultiReader(strings.NewReader(text), clientReader(func([]byte) (int, error) { return 0, broken })), -1, "the disk is broken"},
			"short":  {strings.NewReader(text), 100_001, "100000 bytes, and a ContentLength of 100001"},
			"long":   {strings.NewReader(text), 99_999, "longer than its ContentLength of 99999"},
			"lazy":   {clientReader(func([]byte) (int, error) { return 0, nil }), -1, "multiple Read calls return no data"},
		} {
			closed := 0
			resp, err := e.request("POST", url, clientCloser{c.body, func() { closed++ }}, func(r *http.Request) {
				r.ContentLength = c.length
			})
			if err == nil {
				e.Errorf("%s: %v", name, resp.Status)
			} else if !strings.Contains(err.Error(), c.want) {
				e.Errorf("%s: %v", name, err)
			}
			e.settle(func() bool { return closed == 1 })
		}
		// The same for a body that is sent with the head.
		for _, n := range []int64{3, 5} {
			_, err := e.request("POST", url, strings.NewReader("text"), func(r *http.Request) { r.ContentLength = n })
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint("ContentLength of ", n)) {
				e.Errorf("4 bytes, and a length of %d: %v", n, err)
			}
		}
		e.wantStats(web.TransportStats{})
	})
}

func TestTransportRepeatsOnlyWhatItMay(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		var came []string
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			all, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			came = append(came, fmt.Sprint(r.Method, p.n, " ", string(all)))
			if p.n > 0 || r.URL.Path == "/never" {
				return io.EOF // as a server does that has just decided to close
			}
			return p.say("%s", clientWhole("ok"))
		})
		defer stop()
		for _, c := range []struct {
			method, path, body string
			key                bool
			came               []string
		}{
			{"GET", "/", "", false, []string{"GET1 ", "GET0 "}},
			{"GET", "/", "text", false, []string{"GET1 text", "GET0 text"}},
			{"POST", "/", "text", false, []string{"POST1 text"}},
			{"POST", "/", "text", true, []string{"POST1 text", "POST0 text"}},
			{"GET", "/never", "", false, []string{"GET1 ", "GET0 "}},
		} {
			e.wantGet(url, "ok")
			came = nil
			resp, err := e.request(c.method, url+c.path, strings.NewReader(c.body), func(r *http.Request) {
				if c.key {
					r.Header.Set("Idempotency-Key", "1")
				}
			})
			if ok := len(c.came) == 2 && c.path == "/"; ok != (err == nil) {
				e.Errorf("%+v: %v", c, err)
			} else if err == nil {
				if _, err := io.ReadAll(resp.Body); err != nil {
					e.Error(err)
				}
			} else if !errors.Is(err, io.EOF) {
				e.Errorf("%+v: %v", c, err)
			}
			if !slices.Equal(came, c.came) {
				e.Errorf("%+v: the server saw %q", c, came)
			}
			e.tr.CloseIdleConnections()
		}
	})
}

func TestTransportHeaderLimits(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		e.tr.MaxResponseHeaderBytes = 1000
		e.tr.ResponseHeaderTimeout = 20 * time.Millisecond
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			switch r.URL.Path {
			case "/large":
				return p.say("HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 0\r\n\r\n", strings.Repeat("x", 1000))
			case "/interim":
				return p.say("%s%s", strings.Repeat("HTTP/1.1 103 Hints\r\n\r\n", 100), clientWhole("ok"))
			case "/silent":
				_, err := p.in.ReadByte()
				return err
			}
			return p.say("%s", clientWhole(strings.Repeat("x", 2000))) // a body is not limited
		})
		defer stop()
		e.wantGet(url, strings.Repeat("x", 2000))
		for path, want := range map[string]string{"/large": "MaxResponseHeaderBytes", "/interim": "MaxResponseHeaderBytes", "/silent": "ResponseHeaderTimeout"} {
			if got, err := e.get(url + path); err == nil || !strings.Contains(err.Error(), want) {
				e.Errorf("%s: %.20q, %v", path, got, err)
			}
		}
		e.wantStats(web.TransportStats{})
	})
}

func TestTransportTrace(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			return p.say("HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n%s", clientWhole("ok"))
		})
		defer stop()
		var seen []string
		see := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			GetConn:              func(string) { see("get") },
			GotConn:              func(i httptrace.GotConnInfo) { see("got %v %v", i.Reused, i.Conn.RemoteAddr() != nil) },
			GotFirstResponseByte: func() { see("first") },
			Got100Continue:       func() { see("100") },
			Got1xxResponse:       func(code int, h textproto.MIMEHeader) error { see("%d %v", code, h); return nil },
			Wait100Continue:      func() { see("wait") },
			WroteHeaders:         func() { see("headers") },
			WroteRequest:         func(i httptrace.WroteRequestInfo) { see("wrote %v", i.Err) },
		})
		for i := range 2 {
			seen = nil
			resp, err := e.request("POST", url, strings.NewReader("text"), func(r *http.Request) {
				expecting(r)
				*r = *r.WithContext(ctx)
			})
			if err != nil {
				e.Fatal(err)
			}
			if _, err := io.ReadAll(resp.Body); err != nil {
				e.Error(err)
			}
			want := fmt.Sprint([]string{"get", fmt.Sprint("got ", i > 0, " true"), "headers", "wait", "first", "103 map[Link:[</x>]]", "100 map[]", "100", "wrote <nil>"})
			if got := fmt.Sprint(seen); got != want {
				e.Errorf("%v, want %v", got, want)
			}
		}
	})
}
