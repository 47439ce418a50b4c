package cluster_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// both is a configuration for a node that shows a certificate, and wants to see one of the same authority.
func both(a *certtest.Authority, shown tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{shown}, RootCAs: a.Pool, ClientCAs: a.Pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

// TestClientsWithTLS and a password are let in, and others are told why not.
func TestClientsWithTLS(t *testing.T) {
	ours, others := certtest.New(t), certtest.New(t)
	guard := func(o *server.Options) {
		o.TLSConfig = both(ours, ours.Issue(time.Time{}, "localhost"))
		o.Username, o.Password = "ann", "right"
	}
	user := func(password string) cluster.Option { return cluster.NATS(nats.UserInfo("ann", password)) }
	secure := func(shown *tls.Certificate, trusted *x509.CertPool) cluster.Option {
		cfg := &tls.Config{RootCAs: trusted, ServerName: "localhost"}
		if shown != nil {
			cfg.Certificates = []tls.Certificate{*shown}
		}
		return cluster.NATS(nats.Secure(cfg))
	}
	good, foreign := ours.Issue(time.Time{}, "client"), others.Issue(time.Time{}, "client")
	late := ours.Issue(time.Now().Add(-time.Minute), "client")
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	refused := func(err error) bool { // nats.go has seen the reason, or only the end
		var op *net.OpError
		return errors.Is(err, nats.ErrTLS) || errors.As(err, &op) && op.Op == "remote error"
	}
	for _, c := range []struct {
		name string
		opts []cluster.Option
		ok   func(error) bool
	}{
		{"right", []cluster.Option{secure(&good, ours.Pool), user("right")}, is(nil)},
		{"another password", []cluster.Option{secure(&good, ours.Pool), user("wrong")}, is(nats.ErrAuthorization)},
		{"no password", []cluster.Option{secure(&good, ours.Pool)}, is(nats.ErrAuthorization)},
		{"a server nobody vouches for", []cluster.Option{secure(&good, others.Pool), user("right")}, func(err error) bool {
			return errors.As(err, new(x509.UnknownAuthorityError))
		}},
		{"no certificate", []cluster.Option{secure(nil, ours.Pool), user("right")}, refused},
		{"a certificate of another authority", []cluster.Option{secure(&foreign, ours.Pool), user("right")}, refused},
		{"a certificate that is over", []cluster.Option{secure(&late, ours.Pool), user("right")}, refused},
		{"without TLS", []cluster.Option{user("right")}, func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				srv := embed(t, task, cluster.Clients("127.0.0.1:0"), cluster.ServerOptions(guard), user("right"))
				conn, err := cluster.Connect(task.Loop(), srv.ClientURL(), c.opts...).Await(task)
				if !c.ok(err) {
					t.Errorf("Connect: %v", err)
				}
				if conn != nil {
					must(conn.Flush().Await(task))(t)
					closed(t, task, conn)
				}
				closed(t, task, srv)
			})
		})
	}
}

// serverLog keeps what a server logs of errors.
type serverLog struct {
	mu  sync.Mutex
	all []string
}

func (l *serverLog) Errorf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf(format, args...))
}
func (l *serverLog) Fatalf(format string, args ...any) { l.Errorf(format, args...) }
func (*serverLog) Noticef(string, ...any)              {}
func (*serverLog) Warnf(string, ...any)                {}
func (*serverLog) Debugf(string, ...any)               {}
func (*serverLog) Tracef(string, ...any)               {}

func (l *serverLog) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.all, "\n"), text)
}

// TestNodesWithTLS and a secret meet, and do not let in who has another certificate or secret. Its server's log says why.
func TestNodesWithTLS(t *testing.T) {
	ours, others := certtest.New(t), certtest.New(t)
	routes := func(a *certtest.Authority) cluster.Option {
		cfg := both(ours, a.Issue(time.Time{}, "localhost"))
		return cluster.ServerOptions(func(o *server.Options) { o.Cluster.TLSConfig, o.Cluster.TLSTimeout = cfg, 10 })
	}
	for _, c := range []struct {
		name   string
		cert   *certtest.Authority
		secret string
		log    string // of the node that refuses
	}{
		{"right", ours, "s", ""},
		{"a certificate of another authority", others, "s", "unknown authority"},
		{"another secret", ours, "x", "authentication error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				log := new(serverLog)
				a := embed(t, task, cluster.Name("a"), cluster.Routes("127.0.0.1:0"), cluster.Secret("s"), routes(ours), cluster.ServerLog(log))
				b := embed(t, task, cluster.Name("b"), cluster.Routes("127.0.0.1:0"), cluster.Secret(c.secret), routes(c.cert),
					cluster.Join(a.RouteAddr().String()))
				if c.log == "" {
					until(t, task, "them to meet", func() bool { return len(must(b.Peers().Await(task))(t)) == 1 })
				} else {
					until(t, task, "a refusal", func() bool { return log.has(c.log) })
					if peers := must(a.Peers().Await(task))(t); len(peers) > 0 {
						t.Errorf("it has let in %v", peers)
					}
				}
				closed(t, task, b)
				closed(t, task, a)
			})
		})
	}
}
