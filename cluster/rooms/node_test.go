package rooms_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/cluster/rooms"
)

// This file is the program that runs on each node: a chat whose clients talk to it in lines, of words with spaces
// between, on standard input and output.
//
//	join ROOM MEMBER AFTER          and then: joined ROOM MEMBER, heard ROOM MEMBER SEQ SENDER ID SAID HEARD
//	leave ROOM MEMBER
//	say ROOM SENDER ID              acked SENDER ID SEQ, or failed SENDER ID WHY
//	here ROOM                       here ROOM MEMBERS, with commas between
//	hop N                           N hops there and back, to other nodes that answer: hop NANOSECONDS of each
//	stats                           stats JSON
//
// SAID and HEARD are times in nanoseconds; the clock is that of all nodes, which are on one machine.

const nodeEnv = "COROLLA_ROOM_NODE"

// nodeConfig is what the environment variable says.
type nodeConfig struct {
	Name, Listen, Store string
	Join                []string
}

// nodeStats is what a node says of itself.
type nodeStats struct {
	Resident   int64 // bytes
	Heap       uint64
	Goroutines int
	Cluster    cluster.Stats
}

type program struct {
	conn  *cluster.Conn
	rooms *rooms.Rooms
	out   corolla.Outbox
	seats map[string]*rooms.Seat // by room and member
}

func node() {
	var cfg nodeConfig
	if err := json.Unmarshal([]byte(os.Getenv(nodeEnv)), &cfg); err != nil {
		panic(err)
	}
	corolla.Main(func(t *corolla.Task) error {
		in, err := t.Loop().Adopt(os.Stdin)
		if err != nil {
			return err
		}
		out, err := t.Loop().Adopt(os.Stdout)
		if err != nil {
			return err
		}
		p := &program{seats: map[string]*rooms.Seat{}}
		p.out.Init(out, func(error) { t.Loop().Stop() }) // the test is gone
		p.conn, err = cluster.Embed(t.Loop(), cluster.Name(cfg.Name), cluster.Routes(cfg.Listen),
			cluster.Join(cfg.Join...), cluster.Store(cfg.Store)).Await(t)
		if err != nil {
			return err
		}
		if p.rooms, err = rooms.Open(p.conn, rooms.Config{Keep: 1000, TTL: 15 * time.Second}).Await(t); err != nil {
			return err
		}
		if err := p.answerHops(); err != nil {
			return err
		}
		p.say("ready")
		for line, err := range aio.NewConn(in).Lines(t) {
			if err != nil {
				return err
			}
			p.command(strings.Fields(string(line)))
		}
		return nil
	}, corolla.SlowLimit(0))
}

func (p *program) say(format string, args ...any) {
	_ = p.out.Write(fmt.Appendf(nil, format+"\n", args...)) // its end is told to Init
}

func (p *program) command(w []string) {
	switch w[0] {
	case "join":
		after, _ := strconv.ParseUint(w[3], 10, 64)
		hear := func(m *rooms.Message) {
			p.say("heard %s %s %d %s %s %s %d", w[1], w[2], m.Seq, m.Sender, m.ID, m.Data, time.Now().UnixNano())
		}
		seat, missed, gap, err := p.rooms.Join(w[1], w[2], after, hear)
		if gap || err != nil {
			panic(fmt.Sprint("join: ", gap, err))
		}
		p.seats[w[1]+" "+w[2]] = seat
		p.say("joined %s %s", w[1], w[2])
		for _, m := range missed {
			p.say("heard %s %s %d %s %s 0 0", w[1], w[2], m.Seq, m.Sender, m.ID)
		}
	case "leave":
		p.seats[w[1]+" "+w[2]].Leave()
	case "say":
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		p.rooms.Say(w[1], w[2], w[3], []byte(now), cluster.Patience(time.Minute)).OnDone(func(f *corolla.Future[cluster.Ack]) {
			if ack, err := f.Result(); err != nil {
				p.say("failed %s %s %v", w[2], w[3], err)
			} else {
				p.say("acked %s %s %d", w[2], w[3], ack.Seq)
			}
		})
	case "here":
		p.say("here %s %s", w[1], strings.Join(p.rooms.Here(w[1]), ","))
	case "hop":
		n, _ := strconv.Atoi(w[1])
		p.hops(n)
	case "stats":
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		text, _ := json.Marshal(nodeStats{resident(), m.HeapInuse, runtime.NumGoroutine(), p.conn.Stats()})
		p.say("stats %s", text)
	default:
		panic(w[0])
	}
}

// answerHops answers the other nodes, at a subject of this node's own.
func (p *program) answerHops() error {
	sub, err := p.conn.Subscribe("hop." + p.conn.Name())
	if err == nil {
		sub.OnMessage(func(m *cluster.Msg) { _ = m.Respond(m.Data) })
	}
	return err
}

// hops measures requests to this node's own subject and to the others', one at a time.
func (p *program) hops(n int) {
	p.conn.Loop().Go(func(t *corolla.Task) error {
		peers, err := p.conn.Peers().Await(t)
		if err != nil {
			return err
		}
		for _, to := range append([]string{p.conn.Name()}, peers...) {
			for range n {
				began := time.Now()
				if _, err := p.conn.Request("hop."+to, []byte("x"), time.Second).Await(t); err != nil {
					return err
				}
				p.say("hop %s %d", to, time.Since(began))
			}
		}
		p.say("hopped")
		return nil
	})
}

// resident returns how much memory of this process is in use, in bytes.
func resident() int64 {
	text, _ := os.ReadFile("/proc/self/statm")
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
