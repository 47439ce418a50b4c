package program

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

//go:embed chat.html
var chatPage []byte

// Version is what /stats shows: go build -ldflags '-X github.com/corolla-go/corolla/internal/program.Version=2'.
var Version = "dev"

func (h *hall) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'")
		_, _ = w.Write(chatPage) // or the client has gone
	})
	mux.HandleFunc("GET /stats", h.showStats)
	mux.HandleFunc("GET /chat", h.socket)
	return mux
}

// showStats shows the numbers of all shards of this process.
func (h *hall) showStats(w http.ResponseWriter, r *http.Request) {
	all := struct {
		where
		Shards int `json:"shards"`
		chatCounts
	}{h.on, h.s.Len(), chatCounts{Rooms: map[string]int{}}}
	for i := range h.s.Len() {
		var one chatCounts
		err := h.s.Call(web.Task(r), i, func(s *shard.Shard) error {
			one = (*halls.Of(s)).stats()
			return nil
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		all.add(one)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // or the client has gone
}

func (c *chatCounts) add(other chatCounts) {
	c.Members += other.Members
	c.Joined += other.Joined
	c.Messages += other.Messages
	c.Delivered += other.Delivered
	c.Dropped += other.Dropped
	for name, n := range maps.All(other.Rooms) {
		c.Rooms[name] += n
	}
}

// tidyName makes a name of what somebody has typed, or reports that it is none.
func tidyName(text string) (string, bool) {
	text = strings.Join(strings.Fields(text), " ")
	ok := text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxName &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || string(r) == keyMark })
	return text, ok
}

// isKey reports whether a text can tell a member, or a message, apart from others.
func isKey(text string) bool {
	return text != "" && len(text) <= maxName && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
}

// socket is one client's connection.
func (h *hall) socket(w http.ResponseWriter, r *http.Request) {
	room, ok := tidyName(r.FormValue("room"))
	name, valid := tidyName(r.FormValue("name"))
	if !ok || !valid {
		http.Error(w, fmt.Sprintf("a room and a name, please, of at most %d characters each, without %s", maxName, keyMark), http.StatusBadRequest)
		return
	}
	key := r.FormValue("key")
	after, err := strconv.ParseUint("0"+r.FormValue("after"), 10, 64)
	if !isKey(key) || err != nil {
		http.Error(w, fmt.Sprintf("a key, please, of at most %d letters and digits; after is a number", maxName), http.StatusBadRequest)
		return
	}
	c, err := websocket.Accept(w, r, websocket.MaxMessage(4<<10), websocket.KeepAlive(30*time.Second, 10*time.Second))
	if err != nil {
		return // the client was told
	}
	defer func() { _ = c.CloseNow() }() // unless it is closed already
	c.AIO().SetWriteMarks(-1, h.queue)
	m := &member{hall: h, room: room, conn: c}
	t := web.Task(r)
	why := "connection lost"
	defer func() { m.leave(why) }()
	if err := h.await(t, c); err != nil {
		return
	}
	if err := h.enter(t, m, name, key, after); err != nil {
		return
	}
	why = m.listen(t)
}

// await waits for the rooms, and tells a client that it has to wait.
func (h *hall) await(t *corolla.Task, c *websocket.Conn) error {
	if !h.rooms.Done() {
		if err := c.TryWritePrepared(encoded(event{Type: "waiting", Text: noMajority})); err != nil {
			return err
		}
	}
	rooms, err := corolla.Shield(h.rooms).Await(t)
	if h.opened = rooms; h.going != nil {
		err = errors.Join(http.ErrServerClosed, c.Close(t, h.going.code, h.going.text))
	}
	return err
}

const noMajority = "there is no majority of the cluster's machines"

// listen takes what a member says, and returns what the others are told of why it has left.
func (m *member) listen(t *corolla.Task) (why string) {
	for {
		kind, b, err := m.conn.Receive(t)
		var s said
		switch {
		case err != nil:
			return reason(err)
		case kind != websocket.Text:
			_ = m.conn.Close(t, websocket.CodeUnsupported, "only text is said here") // it has gone in any case
			return ""
		case json.Unmarshal(b, &s) != nil || !isKey(s.ID):
			_ = m.conn.Close(t, websocket.CodePolicy, `what is said is {"id": "…", "text": "…"}`)
			return ""
		}
		if s.Text = strings.TrimSpace(s.Text); s.Text != "" {
			err = m.say(t, s)
		}
		if err != nil || t.Yield() != nil { // who says much lets others speak
			return ""
		}
	}
}

// reason is what the others are told of why somebody has left.
func reason(err error) string {
	if errors.As(err, new(*websocket.CloseError)) {
		return ""
	}
	if errors.As(err, new(*websocket.ProtocolError)) {
		return "broke the protocol"
	}
	return "connection lost"
}
