package program

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// chatting runs a test in a task beside a chat, on a real loop and on a simulated one.
func chatting(t *testing.T, test func(c *chatTest)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) })}
			l, err := corolla.New(opts...)
			if name == "sim" {
				if err == nil {
					err = l.Close()
				}
				l = sim.New(1, sim.Begin(time.Now())).NewLoop(opts...)
			}
			leaktest.NeedLoop(t, err)
			err = l.Run(func(task *corolla.Task) error {
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.WriteBuffer(4<<10))
				if err != nil {
					return err
				}
				h := &chatHandler{rooms: newRooms(l), queue: 16 << 10}
				srv := &web.Server{Handler: h.mux()}
				srv.RegisterOnShutdown(h.goAway)
				serving := l.Go(func(t *corolla.Task) error { return srv.Serve(t, ln) })
				c := &chatTest{t, task, ln.Addr().String(), h.rooms, srv}
				test(c)
				if err := task.Timeout(time.Minute, func(*corolla.Scope) error { return srv.Shutdown(task) }); err != nil {
					t.Error(err)
				}
				if _, err := serving.Await(task); !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
				if n := h.rooms.stats(); n.Members != 0 || len(n.Rooms) != 0 {
					t.Errorf("left behind: %+v", n)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

type chatTest struct {
	*testing.T
	task  *corolla.Task
	addr  string
	rooms *rooms
	srv   *web.Server
}

// guest is a client.
type guest struct {
	*chatTest
	conn *websocket.Conn
}

// enter joins a room, and hears who is there, under which name it joined, and that it did.
func (c *chatTest) enter(room, name, as string, here ...string) *guest {
	c.Helper()
	q := url.Values{"room": {room}, "name": {name}}
	conn, _, err := websocket.Dial(c.task, "ws://"+c.addr+"/chat?"+q.Encode(), websocket.Socket(corolla.ReadBuffer(4<<10)))
	if err != nil {
		c.Fatal(err)
	}
	g := &guest{c, conn}
	if e := g.hear(); e.Type != "hello" || e.Room != room || e.Name != as || e.Count != len(here)+1 || !slices.Equal(e.Here, here) || e.At == 0 {
		c.Errorf("%s is greeted with %+v", name, e)
	}
	g.expect("joined", as, "", len(here)+1)
	return g
}

func (g *guest) hear() (e event) {
	g.Helper()
	var b []byte
	err := g.task.Timeout(time.Minute, func(*corolla.Scope) (err error) {
		_, b, err = g.conn.Read(g.task)
		return err
	})
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		g.Fatal(err)
	}
	return e
}

func (g *guest) expect(kind, name, text string, count int) {
	g.Helper()
	if e := g.hear(); e.Type != kind || e.Name != name || e.Text != text || e.Count != count {
		g.Errorf("heard %+v, want %s %s %q, %d", e, kind, name, text, count)
	}
}

func (g *guest) say(text string) {
	g.Helper()
	if err := g.conn.Write(g.task, websocket.Text, []byte(text)); err != nil {
		g.Fatal(err)
	}
}

// leave closes the connection.
func (g *guest) leave() {
	g.Helper()
	if err := g.conn.Close(g.task, websocket.CodeGoingAway, ""); err != nil {
		g.Error(err)
	}
}

func TestChatTellsTheRoom(t *testing.T) {
	chatting(t, func(c *chatTest) {
		ann := c.enter("lobby", "ann", "ann")
		bob := c.enter("lobby", "  bob  b. ", "bob b.", "ann")
		ann.expect("joined", "bob b.", "", 2)
		other := c.enter("cellar", "ann", "ann") // no name is taken there
		twin := c.enter("lobby", "Ann", "Ann (2)", "ann", "bob b.")
		ann.expect("joined", "Ann (2)", "", 3)
		bob.expect("joined", "Ann (2)", "", 3)

		ann.say(" hello, <b>world</b> \x00 ")
		bob.say("   ") // is nothing
		bob.say("two")
		first := "hello, <b>world</b> \x00"
		for _, g := range []*guest{ann, bob, twin} {
			heard := []event{g.hear(), g.hear()} // in whichever order they arrived at the server
			slices.SortFunc(heard, func(a, b event) int { return strings.Compare(a.Name, b.Name) })
			if heard[0].Text != first || heard[0].Name != "ann" || heard[1].Text != "two" || heard[1].Type != "said" {
				t.Errorf("heard %+v", heard)
			}
		}
		if n := c.rooms.stats(); n.Members != 4 || n.Rooms["lobby"] != 3 || n.Rooms["cellar"] != 1 || n.Joined != 4 || n.Messages != 2 || n.Dropped != 0 {
			t.Errorf("stats %+v", n)
		}
		ann.leave()
		bob.expect("left", "ann", "", 2)
		_ = bob.conn.AIO().Abort() // which is open
		twin.expect("left", "ann", "", 2)
		twin.expect("left", "bob b.", "connection lost", 1)
		again := c.enter("lobby", "ann", "ann", "Ann (2)") // the name is free again
		for _, g := range []*guest{other, twin, again} {
			g.leave()
		}
	})
}

// Who takes nothing is dropped, and the others are told; what they say arrives all the same.
func TestChatDropsWhoIsSlow(t *testing.T) {
	chatting(t, func(c *chatTest) {
		slow := c.enter("lobby", "slow", "slow")
		ann := c.enter("lobby", "ann", "ann", "slow")
		text := strings.Repeat("x", 4000)
		said := 0
		for c.rooms.counts.Dropped == 0 {
			ann.say(text)
			if said++; said > 10_000 {
				t.Fatal("nobody is dropped")
			}
			ann.expect("said", "ann", text, 2)
		}
		ann.expect("left", "slow", "too slow", 1)
		ann.say("still here")
		ann.expect("said", "ann", "still here", 1)
		if n := c.rooms.stats(); n.Dropped != 1 || n.Members != 1 || n.Messages != said+1 {
			t.Errorf("after %d: %+v", said, n)
		}
		_ = slow.conn.CloseNow() // or it knows
		ann.leave()
	})
}

func TestChatRefuses(t *testing.T) {
	chatting(t, func(c *chatTest) {
		for _, query := range []string{"", "?room=a", "?name=a", "?room=a&name=%20", "?room=a&name=%00", "?room=a&name=%ff", "?room=a&name=" + strings.Repeat("x", 33)} {
			_, resp, err := websocket.Dial(c.task, "ws://"+c.addr+"/chat"+query)
			if !errors.Is(err, websocket.ErrHandshake) || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%q: %v, %v", query, resp, err)
			}
		}
		_, resp, err := websocket.Dial(c.task, "ws://"+c.addr+"/chat?room=a&name=b", websocket.Header(http.Header{"Origin": {"http://evil.test"}}))
		if !errors.Is(err, websocket.ErrHandshake) || resp.StatusCode != http.StatusForbidden {
			t.Errorf("a page of another origin: %v, %v", resp, err)
		}
		for code, send := range map[websocket.Code]func(g *guest) error{
			websocket.CodeUnsupported: func(g *guest) error { return g.conn.Write(c.task, websocket.Binary, []byte("x")) },
			websocket.CodeTooBig:      func(g *guest) error { return g.conn.Write(c.task, websocket.Text, make([]byte, 5000)) },
			websocket.CodeInvalidData: func(g *guest) error { return g.conn.Write(c.task, websocket.Text, []byte("\xff")) },
		} {
			g := c.enter("lobby", "eve", "eve")
			if err := send(g); err != nil {
				t.Error(err)
			}
			var closed *websocket.CloseError
			if _, _, err := g.conn.Read(c.task); !errors.As(err, &closed) || closed.Code != code {
				t.Errorf("closed with %v, want %d", err, code)
			}
			for c.rooms.counts.Members > 0 {
				if err := c.task.Sleep(time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// A server that stops says so to those who are there.
func TestChatGoesAway(t *testing.T) {
	chatting(t, func(c *chatTest) {
		ann, bob := c.enter("lobby", "ann", "ann"), c.enter("cellar", "bob", "bob")
		stopping := c.task.Loop().Go(func(t *corolla.Task) error { return c.srv.Shutdown(t) })
		for _, g := range []*guest{ann, bob} {
			var closed *websocket.CloseError
			if _, _, err := g.conn.Read(c.task); !errors.As(err, &closed) || closed.Code != websocket.CodeGoingAway {
				t.Errorf("closed with %v", err)
			}
		}
		if _, err := stopping.Await(c.task); err != nil {
			t.Error(err)
		}
	})
}

func TestServeChat(t *testing.T) {
	s := startSite(t, "chat")
	resp, page := s.ask("GET", "/")
	if resp.StatusCode != 200 || !strings.Contains(page, "new WebSocket(") || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%s, %v, %.100s", resp.Status, resp.Header, page)
	}
	resp, text := s.ask("GET", "/stats")
	var n chatCounts
	if err := json.Unmarshal([]byte(text), &n); err != nil || n.Rooms == nil || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%q, %v, %v", text, err, resp.Header)
	}
	if resp, _ := s.ask("GET", "/chat?room=a&name=b"); resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("without a WebSocket: %s", resp.Status)
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	err = l.Run(func(task *corolla.Task) error {
		g := (&chatTest{T: t, task: task, addr: s.addr}).enter("lobby", "ann", "ann")
		if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
			return err
		}
		var closed *websocket.CloseError
		if _, _, err := g.conn.Read(task); !errors.As(err, &closed) || closed.Code != websocket.CodeGoingAway {
			t.Errorf("closed with %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if log := s.stop(); !strings.Contains(log, "path=/chat status=101 ") || !strings.Contains(log, "path=/chat status=426 ") {
		t.Errorf("logged\n%s", log)
	}
}
