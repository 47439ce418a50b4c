package program

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// upstream is a server of net/http's behind the proxy.
func upstream(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/base/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-End")
		_ = http.NewResponseController(w).EnableFullDuplex() // of a server that can
		for buf := make([]byte, 1000); ; {
			n, err := r.Body.Read(buf)
			_, _ = w.Write(buf[:n]) // or the proxy has gone
			w.(http.Flusher).Flush()
			if err != nil {
				break
			}
		}
		w.Header().Set("X-End", "whole")
	})
	mux.HandleFunc("/base/who", func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		fmt.Fprintf(w, "%s for=%s host=%s proto=%s agent=%q upgrade=%q custom=%q", r.RequestURI, h["X-Forwarded-For"],
			h["X-Forwarded-Host"], h["X-Forwarded-Proto"], h["User-Agent"], h["Upgrade"], h["X-Custom"])
	})
	mux.HandleFunc("/base/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/base/shout", shout)
	mux.HandleFunc("/base/wrong", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Upgrade", "something-else")
		shout(w, r)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// shout changes to a protocol in which what one says comes back louder.
func shout(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Custom") == "refuse" {
		http.Error(w, "not you", http.StatusForbidden)
		return
	}
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-For: %s\r\n\r\nHELLO\n",
		r.Header.Get("Upgrade"), r.Header.Get("X-Forwarded-For"))
	for {
		_ = rw.Flush() // or the proxy has gone, which the next read says
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprint(rw, strings.ToUpper(line))
	}
}

func TestProxyForwards(t *testing.T) {
	up := upstream(t)
	s := startSite(t, "proxy", up.URL+"/base/")
	_, got := s.ask("GET", "/who?a=b", "X-Forwarded-For", "10.0.0.1", "User-Agent", "", "X-Custom", "1", "Keep-Alive", "x")
	want := fmt.Sprintf(`/base/who?a=b for=[127.0.0.1] host=[%s] proto=[http] agent=[] upgrade=[] custom=["1"]`, s.addr)
	if got != want {
		t.Errorf("the upstream was asked\n%s, want\n%s", got, want)
	}
	if resp, err := s.client.Get("http://" + s.addr + "/cut"); err == nil { // the reset may come first
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("a part of an answer, %q, was taken for the whole", b)
		}
		resp.Body.Close()
	}
	up.CloseClientConnections()
	up.Listener.Close()
	if resp, _ := s.ask("GET", "/who"); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("without an upstream: %s", resp.Status)
	}
	log := s.stop(os.Interrupt)
	for _, part := range []string{
		"path=/who status=200 ", "path=/cut status=200 bytes=4 ", "aborted=true",
		`level=WARN msg="no answer from the upstream" path=/who error=`, "path=/who status=502 ",
	} {
		if !strings.Contains(log, part) {
			t.Errorf("the log does not say %q:\n%s", part, log)
		}
	}
}

// Each part is sent when the one before it has come back.
func TestProxyStreamsBothWays(t *testing.T) {
	s := startSite(t, "proxy", upstream(t).URL+"/base")
	body, say := io.Pipe()
	go func() { _, _ = io.WriteString(say, "part 0") }() // an error if the request fails
	resp, err := s.client.Post("http://"+s.addr+"/echo", "", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 5 {
		got := make([]byte, len("part 0"))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != fmt.Sprintf("part %d", i) {
			t.Fatalf("%q, %v", got, err)
		}
		if i < 4 {
			fmt.Fprintf(say, "part %d", i+1)
		}
	}
	say.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil || resp.Trailer.Get("X-End") != "whole" {
		t.Errorf("%q, %v, trailers %v", rest, err, resp.Trailer)
	}
	s.stop(os.Interrupt)
}

// upgraded asks for a protocol, and sends a line before the answer has come.
func upgraded(t *testing.T, addr, path, header string) (c net.Conn, resp *http.Response, in *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: shout\r\n%s\r\nfirst\n", path, header)
	in = bufio.NewReader(c)
	resp, err = http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, resp, in
}

func TestProxyRelaysUpgrades(t *testing.T) {
	s := startSite(t, "proxy", upstream(t).URL+"/base")
	c, resp, in := upgraded(t, s.addr, "/shout", "")
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "shout" || resp.Header.Get("X-For") != "127.0.0.1" {
		t.Errorf("%s, %v", resp.Status, resp.Header)
	}
	fmt.Fprint(c, "second\n")
	for _, want := range []string{"HELLO\n", "FIRST\n", "SECOND\n"} {
		if line, err := in.ReadString('\n'); line != want || err != nil {
			t.Errorf("%q, %v, want %q", line, err, want)
		}
	}
	big := strings.Repeat("x", 1<<20)
	go func() { fmt.Fprintf(c, "%s\n", big) }()
	if line, err := in.ReadString('\n'); len(line) != len(big)+1 || err != nil {
		t.Errorf("%d bytes, %v", len(line), err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	_, resp, _ = upgraded(t, s.addr, "/shout", "X-Custom: refuse\r\n")
	text := make([]byte, len("not you"))
	if _, err := io.ReadFull(resp.Body, text); resp.StatusCode != http.StatusForbidden || string(text) != "not you" || err != nil {
		t.Errorf("refused: %s, %q, %v", resp.Status, text, err)
	}
	if _, resp, _ := upgraded(t, s.addr, "/wrong", ""); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("another protocol than asked for: %s", resp.Status)
	}
	line := s.raw("POST /who HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\nContent-Length: 1\r\n\r\nx")
	if line != "HTTP/1.1 200 OK" {
		t.Errorf("with a body: %s", line)
	}
	// A client that resets, in the middle of it.
	c, _, in = upgraded(t, s.addr, "/shout", "")
	if _, err := in.ReadString('\n'); err != nil {
		t.Error(err)
	}
	_ = c.(*net.TCPConn).SetLinger(0) // it cannot fail here
	c.Close()
	if log := s.stop(os.Interrupt); strings.Count(log, "path=/shout status=101 ") != 2 {
		t.Errorf("logged\n%s", log)
	}
}

func TestProxyKnowsWhereTheUpstreamListens(t *testing.T) {
	for text, want := range map[string]string{
		"localhost:81": "localhost:81", "http://a": "a:80", "https://a/b": "a:443", "https://[::1]": "[::1]:443",
		"http://[::1]:82/x": "[::1]:82", "[::1]:83": "[::1]:83",
	} {
		var p proxy
		if complaint := p.setUpstream(text); complaint != "" {
			t.Errorf("%s: %s", text, complaint)
			continue
		}
		if got := (&forwarder{upstream: p.upstream}).address(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for header, want := range map[string]string{"Upgrade": "x", "keep-alive, upgrade": "x", "close": "", "upgrades": ""} {
		if got := upgradeOf(http.Header{"Connection": {header}, "Upgrade": {"x"}}); got != want {
			t.Errorf("Connection: %s: %q, want %q", header, got, want)
		}
	}
}
