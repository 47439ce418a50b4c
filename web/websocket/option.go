package websocket

import (
	"crypto/tls"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
)

// Limits of a connection unless options say otherwise.
const (
	DefaultMaxMessage       = 1 << 20 // bytes
	DefaultCloseTimeout     = 5 * time.Second
	DefaultHandshakeTimeout = 10 * time.Second
)

// Option configures Accept or Dial.
type Option func(*config)

type config struct {
	maxMessage         int
	closeTimeout       time.Duration
	interval, patience time.Duration // of KeepAlive
	protocols          []string
	deflate            bool
	least              int // to be compressed

	origins []string // Accept

	header    http.Header // Dial
	tls       *tls.Config
	handshake time.Duration
	socket    []corolla.SocketOption
}

func configure(opts []Option) *config {
	cfg := &config{maxMessage: DefaultMaxMessage, closeTimeout: DefaultCloseTimeout, handshake: DefaultHandshakeTimeout}
	for _, set := range opts {
		set(cfg)
	}
	return cfg
}

// MaxMessage sets how many bytes a message that is read may have, and so also each of its frames. With
// compression it limits the message both as it arrives and decompressed. The default is
// DefaultMaxMessage. It does not limit messages that are read as they arrive, by NextReader. It panics if bytes is not positive.
func MaxMessage(bytes int) Option {
	if bytes <= 0 {
		panic("websocket: MaxMessage must be positive")
	}
	return func(c *config) { c.maxMessage = min(bytes, math.MaxInt/2) } // a little is added to it
}

// CloseTimeout sets how long a closing handshake may take. The default is DefaultCloseTimeout. With 0 or
// less, none waits for the peer.
func CloseTimeout(d time.Duration) Option { return func(c *config) { c.closeTimeout = d } }

// KeepAlive ends the connection if the peer has gone without a word. When nothing has arrived for a whole
// interval, which is noticed after at most two, the peer is sent a ping; if nothing arrives within limit
// then, the connection is aborted, and Read returns an error that matches os.ErrDeadlineExceeded. It costs
// a timer for each connection, and no task. While no task reads, nothing is done. It panics unless both
// are positive.
func KeepAlive(interval, limit time.Duration) Option {
	if interval <= 0 || limit <= 0 {
		panic("websocket: the times of KeepAlive must be positive")
	}
	return func(c *config) { c.interval, c.patience = interval, limit }
}

// Subprotocols says which subprotocols are spoken, the preferred one first. Accept takes the first one
// that the client offers too, or none. Dial offers them all.
func Subprotocols(names ...string) Option {
	return func(c *config) { c.protocols = slices.Clone(names) }
}

// Deflate turns compression (permessage-deflate, RFC 7692) on, if the other side wants it too. Messages
// shorter than min bytes are sent as they are, as is what does not become shorter. Each message is
// compressed by itself, so a connection that is idle holds no memory for it; but compressing holds the
// loop for the time it takes, some 10 ms for a megabyte.
//
// Secrets should not be sent in one message with what an attacker can choose: its length gives them away
// (see the CRIME and BREACH attacks).
func Deflate(min int) Option {
	return func(c *config) { c.deflate, c.least = true, min }
}

// AllowOrigins says from which web pages Accept takes connections, in addition to those of its own host.
// Each is a host, as in "example.com" or "example.com:8080", or a whole origin, as in
// "https://example.com". In front of a host, "*." stands for any subdomains; "*" alone allows all origins,
// which is safe only if the connection does not rely on cookies or on the client's address.
func AllowOrigins(origins ...string) Option {
	return func(c *config) { c.origins = append(c.origins, origins...) }
}

// Header adds fields to Dial's request; "Host" replaces the host of the URL. Those of the handshake itself
// cannot be set.
func Header(h http.Header) Option { return func(c *config) { c.header = h.Clone() } }

// TLS sets the configuration of Dial to a wss URL. If it has no ServerName, the certificate must be valid
// for the URL's host.
func TLS(cfg *tls.Config) Option { return func(c *config) { c.tls = cfg } }

// HandshakeTimeout sets how long Dial may take as a whole. The default is DefaultHandshakeTimeout; 0 or
// less means no limit.
func HandshakeTimeout(d time.Duration) Option { return func(c *config) { c.handshake = d } }

// Socket sets options of Dial's socket.
func Socket(opts ...corolla.SocketOption) Option {
	return func(c *config) { c.socket = slices.Clone(opts) }
}
