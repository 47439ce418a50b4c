package cluster

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// readyTimeout is how long an embedded server may take to listen.
	readyTimeout = 30 * time.Second

	// routePing is how often servers ask each other for a sign of life. A route that was silent for three
	// times as long is made anew. nats-server's own 30 seconds are long for nodes of one program.
	routePing = 3 * time.Second
)

// serve starts an embedded server.
func (c *config) serve() (*server.Server, error) {
	o, err := c.serverOptions()
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	if c.logger != nil {
		s.SetLoggerV2(c.logger, o.Debug, o.Trace, false)
	} else {
		s.SetLoggerV2(new(lastWords), false, false, false)
	}
	s.Start()
	if s.ReadyForConnections(readyTimeout) {
		return s, nil
	}
	err = fmt.Errorf("the server was not ready within %v", readyTimeout)
	if w, ok := s.Logger().(*lastWords); ok && w.fatal != "" {
		err = errors.New(w.fatal)
	}
	stopServer(s)
	return nil, err
}

// lastWords keeps why a server could not start.
type lastWords struct{ fatal string }

func (*lastWords) Noticef(string, ...any) {}
func (*lastWords) Warnf(string, ...any)   {}
func (*lastWords) Errorf(string, ...any)  {}
func (*lastWords) Debugf(string, ...any)  {}
func (*lastWords) Tracef(string, ...any)  {}

func (w *lastWords) Fatalf(format string, args ...any) { w.fatal = fmt.Sprintf(format, args...) }

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func (c *config) serverOptions() (*server.Options, error) {
	o := &server.Options{
		ServerName: c.name,
		DontListen: c.clients == "",
		NoSigs:     true,
		JetStream:  c.store != "",
		StoreDir:   c.store,
	}
	var err error
	if c.clients != "" {
		if o.Host, o.Port, err = hostPort(c.clients); err != nil {
			return nil, err
		}
	}
	if c.routes != "" {
		if c.clients == "" { // nats-server makes routes only when it listens for clients
			o.DontListen, o.Host, o.Port = false, "127.0.0.1", -1
			o.Cluster.NoAdvertise = true
		}
		o.Cluster.Name = c.cluster
		o.Cluster.PingInterval = routePing
		if o.Cluster.Host, o.Cluster.Port, err = hostPort(c.routes); err != nil {
			return nil, err
		}
	} else if len(c.join) > 0 {
		return nil, errors.New("to Join others, a node must have an address for them: Routes")
	}
	for _, a := range c.join {
		if _, _, err := hostPort(a); err != nil {
			return nil, err
		}
		u := &url.URL{Scheme: "nats-route", Host: a}
		if c.secret != "" {
			u.User = url.UserPassword(ownUser, c.secret)
		}
		o.Routes = append(o.Routes, u)
	}
	if c.secret != "" {
		o.Cluster.Username, o.Cluster.Password = ownUser, c.secret
	}
	for _, adjust := range c.adjust {
		adjust(o)
	}
	c.lock(o)
	return o, nil
}

// ownUser is who the program is to an embedded server, and a node to another.
const ownUser = "corolla"

// lock keeps other programs of the machine from a server that is not for clients, and listens only because it must.
func (c *config) lock(o *server.Options) {
	open := o.Username == "" && o.Authorization == "" && o.Users == nil && o.Nkeys == nil && o.Accounts == nil &&
		o.TrustedOperators == nil && o.CustomClientAuthentication == nil
	if c.clients == "" && !o.DontListen && open {
		o.Username, o.Password = ownUser, rand.Text()
		c.nats = append([]nats.Option{nats.UserInfo(o.Username, o.Password)}, c.nats...)
	}
}

// hostPort takes an address apart, as nats-server wants it, for which -1 is a free port.
func hostPort(address string) (string, int, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", 0, &net.AddrError{Err: "not a port", Addr: address}
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if n == 0 {
		return host, -1, nil
	}
	return host, int(n), nil
}

// RouteAddr returns where the embedded server listens for those of other nodes, or nil.
func (c *Conn) RouteAddr() net.Addr {
	if c.server == nil || c.cfg.routes == "" {
		return nil
	}
	return c.server.ClusterAddr()
}

// ClientURL returns where the embedded server listens for clients, as Connect takes it, or "".
func (c *Conn) ClientURL() string {
	if c.server == nil || c.cfg.clients == "" {
		return ""
	}
	return c.server.ClientURL()
}

// Peers returns the names of the other nodes that the embedded server is connected with, in order.
func (c *Conn) Peers() *corolla.Future[[]string] {
	c.loop.Check("cluster.Conn.Peers")
	return corolla.Offload(c.loop, func() ([]string, error) {
		if c.server == nil {
			return nil, nil
		}
		routes, err := c.server.Routez(nil)
		if err != nil {
			return nil, fmt.Errorf("cluster: peers: %w", err)
		}
		var names []string
		for _, r := range routes.Routes { // several for each
			names = append(names, r.RemoteName)
		}
		slices.Sort(names)
		return slices.Compact(names), nil
	})
}

// replicas is how many copies streams and buckets have, unless the program says how many: three, if the
// cluster has as many nodes, and otherwise one, since of two both would be needed.
func (c *config) replicas() int {
	if c.most > 0 {
		return c.most
	}
	if c.store != "" && c.routes != "" && len(c.join) >= 3 {
		return 3
	}
	return 1
}
