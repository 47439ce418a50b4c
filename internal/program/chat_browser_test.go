//go:build browser

package program

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

// The page of serve chat in a headless Chromium, of which make chat-browser wants one. It is driven by
// its DevTools protocol, over a WebSocket of ours.

type browser struct {
	t    *testing.T
	addr string // of its DevTools
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	dir := t.TempDir()
	// The sandbox of Chromium does not work for root, as which containers run.
	cmd := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "--window-size=900,600", "about:blank")
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(says)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "DevTools listening on ws://"); ok {
			address, _, _ := strings.Cut(rest, "/")
			go func() { _, _ = io.Copy(io.Discard, says) }() // until it is killed
			return &browser{t, address}
		}
	}
	t.Fatalf("Chromium does not say where it listens: %v", lines.Err())
	return nil
}

// tab is a page in it.
type tab struct {
	*testing.T
	task *corolla.Task
	conn *websocket.Conn
	last int
}

func (b *browser) open(task *corolla.Task, url string) *tab {
	b.t.Helper()
	req, err := http.NewRequest("PUT", "http://"+b.addr+"/json/new?"+url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var target struct{ WebSocketDebuggerURL string }
	if err == nil {
		err = json.Unmarshal(text, &target)
	}
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	c, _, err := websocket.Dial(task, target.WebSocketDebuggerURL, websocket.MaxMessage(64<<20))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.CloseNow() })
	return &tab{T: b.t, task: task, conn: c}
}

// call calls a method of the protocol.
func (p *tab) call(method string, params any, result any) {
	p.Helper()
	p.last++
	text, err := json.Marshal(map[string]any{"id": p.last, "method": method, "params": params})
	if err == nil {
		err = p.conn.Write(p.task, websocket.Text, text)
	}
	for err == nil {
		var answer struct {
			ID            int
			Result, Error json.RawMessage
		}
		var b []byte
		if _, b, err = p.conn.Read(p.task); err == nil {
			err = json.Unmarshal(b, &answer)
		}
		switch {
		case err != nil || answer.ID != p.last: // events, which nobody has asked for
		case answer.Error != nil:
			p.Fatalf("%s: %s", method, answer.Error)
		default:
			if err := json.Unmarshal(answer.Result, result); err != nil {
				p.Fatal(err)
			}
			return
		}
	}
	p.Fatal(err)
}

// eval returns what an expression in the page is, as text.
func (p *tab) eval(expression string) string {
	p.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "userGesture": true}, &r)
	if r.ExceptionDetails != nil {
		p.Fatalf("%s: %v", expression, r.ExceptionDetails)
	}
	return fmt.Sprint(r.Result.Value)
}

// until waits for a text to be shown.
func (p *tab) until(id, want string) {
	p.Helper()
	text := ""
	err := p.task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for {
			if text = p.eval(`document.getElementById("` + id + `")?.innerText`); strings.Contains(text, want) {
				return nil
			}
			if err := p.task.Sleep(20 * time.Millisecond); err != nil {
				return err
			}
		}
	})
	if err != nil {
		p.Fatalf("%s shows %q, want %q: %v", id, text, want, err)
	}
}

// typeIn types a text where the focus is, and Enter.
func (p *tab) typeIn(text string) {
	p.Helper()
	p.call("Input.insertText", map[string]any{"text": text}, new(any))
	for _, kind := range []string{"keyDown", "keyUp"} {
		p.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}, new(any))
	}
}

func (p *tab) enter(name string) {
	p.Helper()
	p.until("enter", "Enter")
	p.eval(`document.getElementById("name").focus()`)
	p.typeIn(name)
	p.until("state", "connected")
}

// picture writes what the page looks like to the folder that COROLLA_PICTURES names, if there is one.
func (p *tab) picture(name string) {
	dir := os.Getenv("COROLLA_PICTURES")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{}, &shot)
	b, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644)
	}
	if err != nil {
		p.Error(err)
	}
}

func TestChatInABrowser(t *testing.T) {
	s := startSite(t, "chat", "--workers", "1", "--shards", "2")
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := startBrowser(t)
	err = l.Run(func(task *corolla.Task) error {
		ann, bob := b.open(task, "http://"+s.addr+"/"), b.open(task, "http://"+s.addr+"/")
		ann.enter("Ann")
		bob.enter("Bob")
		ann.until("log", "Bob has joined.")
		ann.until("here", "Bob")
		bob.until("here", "Ann")
		bob.until("count", "2 here")
		ann.typeIn("<i>hello</i>, Bob & all")
		bob.until("log", "Ann: <i>hello</i>, Bob & all")
		ann.until("log", "Ann: <i>hello</i>, Bob & all")
		bob.typeIn("hello, Ann 🌸")
		ann.until("log", "Bob: hello, Ann 🌸")
		if n := ann.eval(`document.querySelectorAll("#log i").length`); n != "0" {
			t.Errorf("%s elements were made of what somebody said", n)
		}
		ann.until("on", "worker 1.0 · shard ")
		ann.picture("chat-ann")
		bob.picture("chat-bob")
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		ann.until("on", "worker 1.1 · shard ")
		bob.until("on", "worker 1.1 · shard ")
		ann.until("count", "2 here")
		bob.typeIn("still here")
		ann.until("log", "Bob: still here")
		bob.eval(`socket.onclose = null; socket.close()`)
		ann.until("log", "Bob has left.")
		ann.until("count", "1 here")
		s.stop(os.Interrupt)
		ann.until("state", "this process ends; trying again in")
		ann.typeIn("is anybody here?")
		ann.until("late", "1 message is not sent yet")
		ann.picture("chat-late")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
