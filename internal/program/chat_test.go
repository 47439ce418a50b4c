package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web/websocket"
)

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
		var order []string
		for _, g := range []*guest{ann, bob, twin} {
			heard := []event{g.hear(), g.hear()} // in whichever order they arrived at the room
			order = append(order, heard[0].Name)
			if heard[0].Seq >= heard[1].Seq || heard[0].At == 0 {
				t.Errorf("heard %+v", heard)
			}
			slices.SortFunc(heard, func(a, b event) int { return strings.Compare(a.Name, b.Name) })
			if heard[0].Text != first || heard[0].Name != "ann" || heard[1].Text != "two" || heard[1].Type != "said" {
				t.Errorf("heard %+v", heard)
			}
		}
		if len(slices.Compact(order)) != 1 {
			t.Errorf("not all have heard one order: %s", order)
		}
		c.until("four members", func(n chatCounts) bool {
			return n.Members == 4 && n.Rooms["lobby"] == 3 && n.Rooms["cellar"] == 1 && n.Joined == 4 && n.Messages == 2 && n.Dropped == 0
		})
		ann.leave()
		bob.expect("left", "ann", "", 2)
		_ = bob.conn.AIO().Abort() // which is open
		twin.expect("left", "ann", "", 2)
		twin.expect("left", "bob b.", "connection lost", 1)
		again := c.enter("lobby", "ann", "ann", "Ann (2)") // the name is free again
		if len(again.missed) != 2 {
			t.Errorf("ann has missed %+v", again.missed)
		}
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
		text := strings.Repeat("x", 3900)
		said := 0
		for {
			ann.say(text)
			if said++; said > 10_000 {
				t.Fatal("nobody is dropped")
			}
			e := ann.hear()
			if e.Type == "left" && e.Name == "slow" && e.Text == "too slow" && e.Count == 1 {
				ann.expect("said", "ann", text, 0)
				break
			}
			if e.Type != "said" || e.Text != text {
				t.Fatalf("heard %+v", e)
			}
		}
		ann.say("still here")
		ann.expect("said", "ann", "still here", 0)
		c.until("one dropped", func(n chatCounts) bool { return n.Dropped == 1 && n.Members == 1 && n.Messages == said+1 })
		_ = slow.conn.CloseNow() // or it knows
		ann.leave()
	})
}

// Who comes back hears what it has missed, whatever that is, and what it says again is said once.
func TestChatMembersComeBack(t *testing.T) {
	chatting(t, func(c *chatTest) {
		ann := c.enter("lobby", "ann", "ann")
		bob := c.dial("lobby", "bob", "thebob", 0)
		bob.expect("joined", "bob", "", 2)
		ann.expect("joined", "bob", "", 2)
		bob.sayAs("1", "one")
		last := bob.expect("said", "bob", "one", 0).Seq
		if e := bob.next(); e.Type != "ack" || e.ID != "1" || e.Seq != last {
			t.Errorf("acknowledged with %+v", e)
		}
		// He comes again before his old connection is known to be lost, and has the same name.
		again := c.dial("lobby", "bob", "thebob", last)
		if e := again.hello; e.Name != "bob" || e.Count != 2 || e.Missed != 0 || e.Gap || e.Seq < last {
			t.Errorf("bob is greeted with %+v", e)
		}
		_ = bob.conn.AIO().Abort() // which is open
		c.until("his old connection to go", func(n chatCounts) bool { return n.Members == 2 })
		again.sayAs("1", "one") // he does not know that it was said
		again.sayAs("2", "two")
		ann.expect("said", "bob", "one", 0)
		ann.expect("said", "bob", "two", 0)
		again.expect("said", "bob", "two", 0)
		again.leave()
		ann.expect("left", "bob", "", 1)
		const missed = 150 // more than new members hear, and than fits the queue
		for i := range missed {
			text := fmt.Sprint(i, strings.Repeat("x", 1000))
			ann.say(text)
			ann.expect("said", "ann", text, 0)
		}
		third := c.dial("lobby", "bob", "thebob", last)
		if third.hello.Missed != missed+1 || third.hello.Gap {
			t.Errorf("bob is greeted with %+v", third.hello)
		}
		third.expect("said", "bob", "two", 0)
		for i := range missed {
			third.expect("said", "ann", fmt.Sprint(i, strings.Repeat("x", 1000)), 0)
		}
		if eve := c.dial("lobby", "eve", "eve", 0); eve.hello.Missed != History {
			t.Errorf("eve is greeted with %+v", eve.hello)
		}
	})
}

// Who joins while others talk hears each message once: before, in what it has missed, or after.
func TestChatJoinsAmongTalk(t *testing.T) {
	chatting(t, func(c *chatTest) {
		ann, last, next := c.enter("lobby", "ann", "ann"), uint64(0), 1
		for range 40 {
			burst := func() {
				for range 30 {
					ann.say("x")
				}
			}
			burst()
			bob := c.dial("lobby", "bob", "bob", last)
			burst()
			for next <= ann.said {
				if e := bob.hear(); e.Type == "said" {
					if e.ID != strconv.Itoa(next) {
						c.Fatalf("heard %+v, where %d was next", e, next)
					}
					next++
					last = e.Seq
				}
			}
			bob.leave()
			for e := (event{}); e.ID != strconv.Itoa(ann.said); {
				e = ann.hear()
			}
		}
		ann.leave()
	})
}

func TestChatRefuses(t *testing.T) {
	chatting(t, func(c *chatTest) {
		for _, query := range []string{
			"", "?room=a", "?name=a", "?room=a&name=%20", "?room=a&name=%00", "?room=a&name=%ff", "?room=a&name=b~", "?room=a&name=" + strings.Repeat("x", 33),
			"?room=a&name=b&key=", "?room=a&name=b&key=_", "?room=a&name=b&key=k&after=-1", "?room=a&name=b&key=k&after=99999999999999999999",
		} {
			_, resp, err := websocket.Dial(c.task, "ws://"+c.addr+"/chat"+query)
			if !errors.Is(err, websocket.ErrHandshake) || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%q: %v, %v", query, resp, err)
			}
		}
		_, resp, err := websocket.Dial(c.task, "ws://"+c.addr+"/chat?room=a&name=b&key=k", websocket.Header(http.Header{"Origin": {"http://evil.test"}}))
		if !errors.Is(err, websocket.ErrHandshake) || resp.StatusCode != http.StatusForbidden {
			t.Errorf("a page of another origin: %v, %v", resp, err)
		}
		for code, send := range map[websocket.Code]func(g *guest) error{
			websocket.CodeUnsupported: func(g *guest) error { return g.conn.Write(c.task, websocket.Binary, []byte("x")) },
			websocket.CodeTooBig:      func(g *guest) error { return g.conn.Write(c.task, websocket.Text, make([]byte, 5000)) },
			websocket.CodePolicy:      func(g *guest) error { return g.conn.Write(c.task, websocket.Text, []byte(`{"id":"_","text":"x"}`)) },
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
			c.until("nobody", func(n chatCounts) bool { return n.Members == 0 })
		}
	})
}

// A server that stops says so to those who are there.
func TestChatGoesAway(t *testing.T) {
	chatting(t, func(c *chatTest) {
		ann, bob := c.enter("lobby", "ann", "ann"), c.enter("cellar", "bob", "bob")
		c.stop()
		for _, g := range []*guest{ann, bob} {
			var closed *websocket.CloseError
			if _, _, err := g.conn.Read(c.task); !errors.As(err, &closed) || closed.Code != websocket.CodeGoingAway {
				t.Errorf("closed with %v", err)
			}
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
	if resp, _ := s.ask("GET", "/chat?room=a&name=b&key=k"); resp.StatusCode != http.StatusUpgradeRequired {
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
