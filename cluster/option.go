package cluster

import (
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Defaults of what may wait.
const (
	DefaultOutgoingMessages = 64 << 10
	DefaultOutgoingBytes    = 16 << 20
	DefaultPendingMessages  = 64 << 10
	DefaultPendingBytes     = 16 << 20
	DefaultMaxRequests      = 64 << 10
)

// Overflow says what Publish does with a message for which there is no room.
type Overflow int

const (
	// Refuse makes Publish return ErrFull.
	Refuse Overflow = iota
	// DropNewest drops the message. Publish returns nil.
	DropNewest
	// DropOldest drops messages that have waited longest until there is room; or, if all that wait are being sent,
	// the new one. Publish returns nil.
	DropOldest
)

// Option says how a Conn is made; see Connect and Embed.
type Option func(*config)

type config struct {
	name  string
	nats  []nats.Option
	limit outgoingLimit
	calls int
	most  int // replicas; 0 is as many as there may be

	settled time.Duration // see there
	answer  time.Duration // how long a request to JetStream waits for one
	resync  time.Duration // how often a copy is compared with its bucket

	// of an embedded server
	clients, routes string
	cluster         string
	join            []string
	store, secret   string
	logger          server.Logger
	adjust          []func(*server.Options)
}

type outgoingLimit struct {
	messages, bytes int
	overflow        Overflow
}

func configure(opts []Option) *config {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	c := &config{
		name:    host,
		cluster: "corolla",
		limit:   outgoingLimit{DefaultOutgoingMessages, DefaultOutgoingBytes, Refuse},
		calls:   DefaultMaxRequests,
		settled: settled,
		answer:  5 * time.Second,
		resync:  15 * time.Minute,
	}
	for _, o := range opts {
		o(c)
	}
	return c
}

// Name is what this node is called: the host's name unless set. No two nodes of a cluster may have the same,
// and a node that comes back with its Store must have the name that it had.
func Name(name string) Option { return func(c *config) { c.name = name } }

// NATS passes options to nats.go: credentials, TLS, times of reconnecting. Handlers that they set are called
// too, on nats.go's goroutines. Unless an option says otherwise, a connection is tried again for ever, and is lost
// when the server takes nothing for 10 seconds (nats.FlusherTimeout).
func NATS(opts ...nats.Option) Option {
	return func(c *config) { c.nats = append(c.nats, opts...) }
}

// Outgoing is how many messages, and bytes of them, may wait to be sent, and what becomes of one for which
// there is no room: 65,536 messages and 16 MiB, and it is refused, unless set. While the connection is lost,
// nats.go holds what nats.ReconnectBufSize says besides. It panics if either is less than 1.
func Outgoing(messages, bytes int, overflow Overflow) Option {
	if messages < 1 || bytes < 1 {
		panic(fmt.Sprintf("cluster: Outgoing(%d, %d): both must be at least 1", messages, bytes))
	}
	return func(c *config) { c.limit = outgoingLimit{messages, bytes, overflow} }
}

// MaxRequests is how many requests, and publications to streams, may be without their answer: 65,536 unless
// set. More are refused, with ErrFull. It panics if n is less than 1.
func MaxRequests(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("cluster: MaxRequests(%d): it must be at least 1", n))
	}
	return func(c *config) { c.calls = n }
}

// Routes is the address, such as "10.0.0.1:6222" or ":6222", at which an embedded server listens for the
// other nodes' servers. With a host, it is also what they tell each other of it. Port 0 picks a free one, which
// RouteAddr returns. Without it the server is alone.
func Routes(address string) Option { return func(c *config) { c.routes = address } }

// Clients is the address at which an embedded server listens for clients. Without it there are none but the
// program itself: if the server has Routes it must listen, and does so on a free port of the loopback, with a
// password that it has made up.
func Clients(address string) Option { return func(c *config) { c.clients = address } }

// Join names the nodes of the cluster by the addresses or DNS names, with ports, of their Routes. All nodes may
// be given the same list: one that finds itself in it goes on to the next. Servers tell each other of those
// that are not in the list; but with a Store it must name all nodes, this one too, as the first majority is
// that of the list.
//
// One name alone stands for as many nodes as it has addresses when Embed looks, so it must have all by then. In a list
// each entry is one node.
func Join(addresses ...string) Option {
	return func(c *config) { c.join = append(c.join, addresses...) }
}

// ClusterName is what an embedded server calls the cluster: "corolla" unless set. Servers join those of the
// same cluster only.
func ClusterName(name string) Option { return func(c *config) { c.cluster = name } }

// Secret is what nodes must know to join. Without it, who can reach their Routes can. It goes over the network
// as it is, unless ServerOptions sets Cluster.TLSConfig. Who has another secret, or certificate, is not let in, and
// tries again for ever; why, the server's log says (ServerLog), on both sides.
func Secret(secret string) Option { return func(c *config) { c.secret = secret } }

// Store is the folder in which an embedded server keeps streams and key-value buckets. Without it there are
// none: JetStream is off.
func Store(dir string) Option { return func(c *config) { c.store = dir } }

// Replicas is how many copies streams and buckets have that do not say so themselves. An embedded server knows how many
// nodes there are: three copies, if there are as many, and otherwise one. A Conn of Connect does not, and has one copy
// unless it is told.
func Replicas(n int) Option { return func(c *config) { c.most = n } }

// ServerLog is what an embedded server writes its log to. Without it there is none.
func ServerLog(l server.Logger) Option { return func(c *config) { c.logger = l } }

// ServerOptions adjusts the options of an embedded server before it is started: TLS between servers, accounts,
// SyncAlways, whatever nats-server has. If it makes clients say who they are, so must the program, with NATS.
func ServerOptions(adjust func(*server.Options)) Option {
	return func(c *config) { c.adjust = append(c.adjust, adjust) }
}

// SubscribeOption says how to subscribe.
type SubscribeOption func(*subscribing)

type subscribing struct {
	queue           string
	messages, bytes int
}

// QueueGroup makes the subscription one of a group of that name, in the whole cluster: each message is
// given to one of them.
func QueueGroup(name string) SubscribeOption { return func(s *subscribing) { s.queue = name } }

// Pending is how many messages, and bytes of them, may wait for the loop: 65,536 messages and 16 MiB unless
// set. Beyond that the subscription loses messages, which is reported, as a *SlowError. Up to 256
// messages or 256 KiB more are on their way to the loop. It panics if either is less than 1.
func Pending(messages, bytes int) SubscribeOption {
	if messages < 1 || bytes < 1 {
		panic(fmt.Sprintf("cluster: Pending(%d, %d): both must be at least 1", messages, bytes))
	}
	return func(s *subscribing) { s.messages, s.bytes = messages, bytes }
}

// PublishOption says how to publish to a stream.
type PublishOption func(*posting)

// ID names a message: a stream takes what has the same ID as an earlier one, within the stream's Duplicates
// window, without storing it again. Without one, each publication has its own.
func ID(id string) PublishOption { return func(p *posting) { p.id = id } }

// Header goes with the message.
func Header(h nats.Header) PublishOption { return func(p *posting) { p.header = h } }

// Patience is how long a publication is tried until it fails with ErrTimeout: 30 seconds unless set, and
// no longer than the stream's Duplicates window.
func Patience(d time.Duration) PublishOption { return func(p *posting) { p.patience = d } }
