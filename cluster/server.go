package cluster

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// readyTimeout is how long an embedded server may take to listen, and readyLook how often it is asked whether
	// it cannot.
	readyTimeout = 30 * time.Second
	readyLook    = 100 * time.Millisecond

	// routePing is how often servers ask each other for a sign of life. A route that was silent for three
	// times as long is made anew. nats-server's own 30 seconds are long for nodes of one program.
	routePing = 3 * time.Second
)

// serve starts an embedded server.
func (c *config) serve() (*server.Server, error) {
	c.resolveJoin()
	o, err := c.serverOptions()
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	log := &lastWords{Logger: c.logger}
	if c.logger == nil {
		log.Logger = silence{}
	}
	s.SetLoggerV2(log, o.Debug, o.Trace, false)
	s.Start()
	for range readyTimeout / readyLook {
		if err := log.fatal.Load(); err != nil {
			stopServer(s)
			return nil, err
		}
		if s.ReadyForConnections(readyLook) {
			return s, nil
		}
	}
	stopServer(s)
	return nil, fmt.Errorf("the server was not ready within %v", readyTimeout)
}

// lastWords keeps why a server could not start, which it only logs.
type lastWords struct {
	server.Logger
	fatal atomic.Pointer[fatalError]
}

func (w *lastWords) Fatalf(format string, args ...any) {
	e := &fatalError{text: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			e.cause = err
		}
	}
	w.fatal.CompareAndSwap(nil, e)
	w.Logger.Fatalf(format, args...)
}

type fatalError struct {
	text  string
	cause error
}

func (e *fatalError) Error() string { return e.text }
func (e *fatalError) Unwrap() error { return e.cause }

// silence is the log of who wants none.
type silence struct{}

func (silence) Noticef(string, ...any) {}
func (silence) Warnf(string, ...any)   {}
func (silence) Errorf(string, ...any)  {}
func (silence) Debugf(string, ...any)  {}
func (silence) Tracef(string, ...any)  {}
func (silence) Fatalf(string, ...any)  {}

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
		if ip := net.ParseIP(o.Cluster.Host); (ip == nil || !ip.IsUnspecified()) && o.Cluster.Port > 0 {
			o.Cluster.Advertise = c.routes // and not the address that others see connections come from
		}
	}
	if err := c.checkJoin(); err != nil {
		return nil, err
	}
	for _, a := range c.join {
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

// resolveJoin makes of one name that has several addresses as many nodes. nats-server takes one of them at random, and
// is content if that is its own; so that nodes that start together may never meet, or in two halves; and counts one
// node for the first majority.
func (c *config) resolveJoin() {
	if len(c.join) != 1 {
		return
	}
	host, port, err := net.SplitHostPort(c.join[0])
	if err != nil || net.ParseIP(host) != nil {
		return
	}
	all, err := net.LookupIP(host)
	if err != nil {
		return // the server looks again
	}
	four := slices.DeleteFunc(slices.Clone(all), func(ip net.IP) bool { return ip.To4() == nil })
	if len(four) > 0 {
		all = four // each may have one of each kind
	}
	if len(all) < 2 {
		return
	}
	c.join = nil
	for _, ip := range all {
		c.join = append(c.join, net.JoinHostPort(ip.String(), port))
	}
	slices.Sort(c.join)
}

// checkJoin finds what a server would not say, or only in its log.
func (c *config) checkJoin() error {
	switch {
	case c.routes == "" && len(c.join) > 0:
		return errors.New("to Join others, a node must have an address for them: Routes")
	case c.routes != "" && len(c.join) == 0 && c.store != "" && len(c.adjust) == 0:
		return errors.New("with Routes and a Store, Join must name the nodes, this one too")
	case c.routes == "" && c.secret != "":
		return errors.New("a Secret is for Routes, and there are none")
	}
	for _, a := range c.join {
		host, port, err := hostPort(a)
		switch {
		case err != nil:
			return err
		case port < 0:
			return &net.AddrError{Err: "not a port to Join", Addr: a}
		case host == anyHost:
			return &net.AddrError{Err: "no host to Join", Addr: a}
		}
	}
	return nil
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

const anyHost = "0.0.0.0"

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
		host = anyHost
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
