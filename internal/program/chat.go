package program

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

//go:embed chat.html
var chatPage []byte

// chat holds the options of serve chat.
type chat struct {
	place
	queue int // KiB
	most  int // connections
}

func (o *chat) options() []option {
	return append(o.place.options("127.0.0.1:8080"),
		option{"queue", "KIB", "64", "how much may wait for a client before it is dropped", whole(&o.queue, "KiB", 4, 16384)},
		option{"max-conns", "N", "10000", "how many connections there may be; more wait", whole(&o.most, "connections", 1, 1000000)})
}

func runChat(c *console, args []string) error {
	var o chat
	rest, err := parse("serve chat", o.options(), args)
	switch {
	case err == errHelp:
		return helpChat(c)
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("corolla serve chat: unexpected argument %s", quoted(rest[0]))
	}
	s := site{place: o.place, limits: []aio.ServeOption{aio.MaxConns(o.most)}, setup: func(l *corolla.Loop, s *site) {
		h := &chatHandler{rooms: newRooms(l), queue: o.queue << 10}
		s.handler, s.closing = h.mux(), h.goAway
	}}
	return s.serve(c)
}

func helpChat(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla serve chat [options]

Serves a chat with rooms until SIGINT or SIGTERM: a page at /, its WebSocket at /chat, and
numbers, as JSON, at /stats. A client that does not take what is said is dropped. It prints the
address once it listens, and logs each request on the standard error.

Options:
`)
	helpOptions(&w, new(chat).options())
	fmt.Fprint(&w, `
Example:
  corolla serve chat --addr 127.0.0.1:8080 &
  xdg-open http://127.0.0.1:8080/
  curl http://127.0.0.1:8080/stats

Anybody who can connect can take part, under any name. For others than those at this machine,
put a server with TLS in front.

After the first SIGINT or SIGTERM clients have 10 seconds to go, after a second one none.

Exit status: 0 after SIGINT or SIGTERM, 1 if it could not listen, or failed, 2 if the
command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

// chatHandler is what the handlers share.
type chatHandler struct {
	rooms *rooms
	queue int // bytes
}

func (h *chatHandler) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'")
		_, _ = w.Write(chatPage) // or the client has gone
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(h.rooms.stats()) // or the client has gone
	})
	mux.HandleFunc("GET /chat", h.socket)
	return mux
}

// socket is one client's connection.
func (h *chatHandler) socket(w http.ResponseWriter, r *http.Request) {
	room, ok := tidyName(r.FormValue("room"))
	name, valid := tidyName(r.FormValue("name"))
	if !ok || !valid {
		http.Error(w, fmt.Sprintf("a room and a name, please, of at most %d characters each", maxName), http.StatusBadRequest)
		return
	}
	c, err := websocket.Accept(w, r, websocket.MaxMessage(4<<10), websocket.KeepAlive(30*time.Second, 10*time.Second))
	if err != nil {
		return // the client was told
	}
	defer func() { _ = c.CloseNow() }() // unless it is closed already
	c.AIO().SetWriteMarks(-1, h.queue)
	m := h.rooms.join(room, name, c)
	why := ""
	defer func() { m.leave(why) }()
	for t := web.Task(r); ; {
		kind, b, err := c.Receive(t)
		switch text := strings.TrimSpace(string(b)); {
		case err != nil:
			why = parting(err)
			return
		case kind != websocket.Text:
			_ = c.Close(t, websocket.CodeUnsupported, "only text is said here") // it has gone in any case
			return
		case text != "":
			m.say(text)
		}
		if err := t.Yield(); err != nil { // who says much lets others speak
			return
		}
	}
}

// parting is what the others are told of why somebody has left.
func parting(err error) string {
	if errors.As(err, new(*websocket.CloseError)) {
		return ""
	}
	if errors.As(err, new(*websocket.ProtocolError)) {
		return "broke the protocol"
	}
	return "connection lost"
}

// goAway closes the connection of each member.
func (h *chatHandler) goAway() {
	for _, m := range h.rooms.all() {
		h.rooms.loop.Go(func(t *corolla.Task) error {
			_ = m.conn.Close(t, websocket.CodeGoingAway, "the server stops") // it has gone in any case
			return nil
		})
	}
}
