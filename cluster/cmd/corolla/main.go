// Command corolla is the program of the root module with clusters built in: corolla serve chat --cluster embed has
// rooms on all machines.
//
//	cd cluster && go install ./cmd/corolla
package main

import (
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/cluster/rooms"
	"github.com/corolla-go/corolla/internal/program"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func main() { program.Main(built{}) }

// built is what this program can do besides.
type built struct{}

// serverUser is who this machine's processes are to its server.
const serverUser = "corolla"

// Serve starts a server for this machine's processes, which find it on the loopback.
func (built) Serve(t *corolla.Task, cfg program.ClusterConfig) (string, func(t *corolla.Task), error) {
	password := rand.Text()
	opts := []cluster.Option{
		cluster.Name(cfg.Node), cluster.Store(cfg.Store), cluster.Clients("127.0.0.1:0"),
		cluster.ServerOptions(func(o *server.Options) {
			o.Username, o.Password = serverUser, password
			o.Cluster.NoAdvertise = true // others cannot reach this loopback
		}),
		cluster.NATS(nats.UserInfo(serverUser, password)),
	}
	if len(cfg.Join) > 0 {
		opts = append(opts, cluster.Routes(cfg.Routes), cluster.Secret(cfg.Secret), cluster.Join(cfg.Join...))
	}
	c, err := cluster.Embed(t.Loop(), opts...).Await(t)
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(c.ClientURL())
	if err != nil {
		return "", nil, err
	}
	u.User = url.UserPassword(serverUser, password)
	return u.String(), func(t *corolla.Task) {
		_ = t.Shielded(func(*corolla.Scope) error {
			_, err := c.Close().Await(t)
			return err
		})
	}, nil
}

// copies is how many machines have what was said, if there are as many.
const copies = 3

// Open returns the rooms of the cluster.
func (built) Open(l *corolla.Loop, servers, name string, cfg program.ClusterConfig, to program.Audience) *corolla.Future[program.Rooms] {
	replicas := 1
	if len(cfg.Join) >= copies || strings.Count(servers, ",") >= copies-1 {
		replicas = copies
	}
	return corolla.Go(l, func(t *corolla.Task) (program.Rooms, error) {
		c, err := cluster.Connect(l, servers, cluster.Name(name), cluster.Replicas(replicas)).Await(t)
		if err != nil {
			return nil, err
		}
		r, err := rooms.Open(c, rooms.Config{Name: "chat", History: program.History, Keep: program.Keep, MaxBytes: 16 << 20}).Await(t)
		if err != nil {
			c.Close()
			return nil, err
		}
		all := &chatRooms{conn: c, rooms: r, seats: map[string][]*rooms.Seat{}}
		r.OnMessage(func(m *rooms.Message) { to.Said(messageOf(m)) })
		r.OnPresence(func(room, member, _ string, here bool) {
			if here {
				to.Came(room, member, r.Count(room))
			} else {
				to.Left(room, member, "", r.Count(room))
			}
		})
		return all, nil
	}, corolla.Name("open the cluster's rooms"))
}

func messageOf(m *rooms.Message) *program.Message {
	return &program.Message{
		Room: m.Room, Member: m.Sender, ID: m.ID, Text: string(m.Data), Seq: m.Seq, At: m.Time.UnixMilli(),
	}
}

// chatRooms are the rooms of the cluster as a shard has them.
type chatRooms struct {
	conn  *cluster.Conn
	rooms *rooms.Rooms
	seats map[string][]*rooms.Seat // by room and member
}

// Join is decided here: this loop has a copy of everything.
func (c *chatRooms) Join(_ *corolla.Task, room, name, key string, after uint64) (j program.Joined, err error) {
	j.Here = c.rooms.Here(room)
	j.Member = program.FreeMember(name, key, j.Here)
	seat, missed, gap, err := c.rooms.Join(room, j.Member, after, nil)
	if err != nil {
		return j, err
	}
	c.seats[room+"/"+j.Member] = append(c.seats[room+"/"+j.Member], seat)
	for _, m := range missed {
		j.Missed = append(j.Missed, messageOf(m))
	}
	j.Gap, j.Seq = gap, c.rooms.Seq()
	return j, nil
}

// Leave ends a membership. The others are not told why.
func (c *chatRooms) Leave(room, member, _ string) {
	key := room + "/" + member
	if seats := c.seats[key]; len(seats) > 0 {
		seats[0].Leave()
		if c.seats[key] = slices.Delete(seats, 0, 1); len(seats) == 1 {
			delete(c.seats, key)
		}
	}
}

// patience is how long a message may take until its sender is told that it waits.
const patience = 5 * time.Second

var errNoMajority = errors.New("most machines of the cluster cannot be reached")

// Say says something, once.
func (c *chatRooms) Say(room, member, id, text string, done func(seq uint64, err error)) {
	c.rooms.Say(room, member, id, []byte(text), cluster.Patience(patience)).OnDone(func(f *corolla.Future[cluster.Ack]) {
		ack, err := f.Result()
		if errors.Is(err, cluster.ErrTimeout) {
			err = errNoMajority
		}
		done(ack.Seq, err)
	})
}

// goodbye is how long the others may take to hear who has left.
const goodbye = 2 * time.Second

// Close tells the others.
func (c *chatRooms) Close(t *corolla.Task) {
	c.rooms.Close()
	_, _ = c.conn.Drain(goodbye).Await(t) // without a majority nobody hears it
}
