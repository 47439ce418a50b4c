package aio_test

import (
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// The soak: clients that connect, talk, half-close, stall, abort and vanish at random, to servers
// of both styles, with and without TLS. "make soak" does it for minutes; as a part of the tests
// it takes a moment.

const soakers = 50

type soak struct {
	*testing.T
	addrs   []string // the last two with TLS
	cfg     *tls.Config
	seed    uint64
	talks   int
	strange []error
}

func TestSoak(t *testing.T) {
	length, seed := 50*time.Millisecond, uint64(1)
	if s := os.Getenv("COROLLA_SOAK"); s != "" {
		seed = uint64(time.Now().UnixNano())
		t.Log("seed", seed)
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, on := range []string{"real", "sim"} {
		t.Run(on, func(t *testing.T) {
			before := counts(t)
			var w *sim.World
			var l *corolla.Loop
			s := &soak{T: t, cfg: &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, seed: seed}
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(s.reported)}
			if on == "sim" {
				w = sim.New(seed, sim.Begin(time.Now()))
				l = w.NewLoop(opts...)
			} else {
				var err error
				l, err = corolla.New(opts...)
				leaktest.NeedLoop(t, err)
			}
			if err := l.Run(func(task *corolla.Task) error { return s.run(task, length, cert) }); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
			if w != nil && w.Open() != 0 {
				t.Errorf("%d simulated descriptors are open", w.Open())
			}
			for _, err := range s.strange {
				t.Errorf("reported: %v", err)
			}
			after := counts(t)
			t.Logf("%d connections; before %+v, after %+v", s.talks, before, after)
			if after.files > before.files || after.heap > before.heap+4<<20 {
				t.Errorf("before %+v, after %+v", before, after)
			}
		})
	}
}

// reported expects of the error handler only what clients that misbehave bring about.
func (s *soak) reported(err error) {
	var handshake *transport.HandshakeError
	var garbage tls.RecordHeaderError
	if !errors.As(err, &handshake) && !errors.As(err, &garbage) {
		s.strange = append(s.strange, err)
	}
}

// usage is what must not grow. TestMain looks at the goroutines.
type usage struct {
	files int
	heap  uint64
}

func counts(t *testing.T) (u usage) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap = m.HeapAlloc
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.files = len(fds)
	}
	return u
}

func (s *soak) run(task *corolla.Task, length time.Duration, cert tls.Certificate) error {
	l := task.Loop()
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	plain, err := aio.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	secret, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", server)
	if err != nil {
		return err
	}
	build := func(*transport.Conn) transport.Protocol { return &soaked{} }
	pushed, err := transport.Serve(l, "tcp", "127.0.0.1:0", build)
	if err != nil {
		return err
	}
	pushedTLS, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", server, build)
	if err != nil {
		return err
	}
	var servers []*aio.Server
	var served []*corolla.Future[struct{}]
	for _, ln := range []*aio.Listener{plain, secret} {
		srv := aio.NewServer(ln, echoSoaked, aio.MaxConns(soakers))
		servers = append(servers, srv)
		served = append(served, l.Go(srv.Serve))
	}
	for _, a := range []net.Addr{plain.Addr(), pushed.Addr(), secret.Addr(), pushedTLS.Addr()} {
		s.addrs = append(s.addrs, a.String())
	}
	err = task.Group(func(g *corolla.Group) error {
		for i := range soakers {
			rng := rand.New(rand.NewPCG(uint64(i), s.seed))
			g.Go(func(task *corolla.Task) error {
				for end := l.Now() + length; l.Now() < end; s.talks++ {
					s.client(task, rng)
				}
				return nil
			})
		}
		return nil
	})
	err = errors.Join(err, pushed.Close(), pushedTLS.Close())
	for i, srv := range servers {
		_, e := srv.Shutdown(task)
		if _, is := served[i].Await(task); is != aio.ErrServerClosed {
			e = errors.Join(e, is)
		}
		err = errors.Join(err, e)
	}
	for pushed.Conns()+pushedTLS.Conns() > 0 { // whose clients have gone
		if e := task.Sleep(time.Millisecond); e != nil {
			return errors.Join(err, e)
		}
	}
	return err
}

// echoSoaked echoes, for clients that say something at least every second.
func echoSoaked(t *corolla.Task, c *aio.Conn) error {
	buf := make([]byte, 4096)
	for {
		if err := c.SetDeadline(t.Loop().Time().Add(time.Second)); err != nil {
			return err
		}
		n, err := c.Read(t, buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(t, buf[:n]); err != nil {
			return err
		}
	}
}

// soaked does the same in push style.
type soaked struct{}

func (*soaked) Opened(c *transport.Conn)         { c.SetIdleTimeout(time.Second) }
func (*soaked) Data(c *transport.Conn, b []byte) { _ = c.Write(b) }
func (*soaked) Closed(*transport.Conn, error)    {}
func (*soaked) PauseWriting(c *transport.Conn)   { c.PauseReading() }
func (*soaked) ResumeWriting(c *transport.Conn)  { c.ResumeReading() }

// client is one connection, which ends in one of many ways.
func (s *soak) client(task *corolla.Task, rng *rand.Rand) {
	at := rng.IntN(len(s.addrs))
	var c *aio.Conn
	err := task.Timeout(time.Duration(rng.IntN(20))*time.Millisecond+5*time.Millisecond, func(*corolla.Scope) (err error) {
		if at >= 2 && rng.IntN(8) > 0 { // else plain text to a port that wants TLS
			c, err = aio.DialTLS(task, "tcp", s.addrs[at], s.cfg)
		} else {
			c, err = aio.Dial(task, "tcp", s.addrs[at])
		}
		return err
	})
	if err != nil {
		return // no time
	}
	defer c.Close()
	err = task.Timeout(2*time.Second, func(*corolla.Scope) error {
		for range rng.IntN(6) {
			if err := s.exchange(task, c, rng); err != nil {
				return err
			}
		}
		switch rng.IntN(5) {
		case 0:
			if err := c.CloseWrite(); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, c.Bind(task))
			return err
		case 1:
			return c.Abort()
		case 2: // says something and does not wait for the answer
			_, err := c.Write(task, make([]byte, rng.IntN(100_000)))
			return err
		case 3: // is late
			return task.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		}
		return nil
	})
	// Whatever the servers say to that: it is the same for everybody who comes after.
	_ = err
}

// exchange sends something and wants it back.
func (s *soak) exchange(task *corolla.Task, c *aio.Conn, rng *rand.Rand) error {
	out := make([]byte, 1+rng.IntN(20_000))
	for i := range out {
		out[i] = byte(i)
	}
	back := make([]byte, len(out))
	err := task.Group(func(g *corolla.Group) error {
		g.Go(func(task *corolla.Task) error { _, err := c.Write(task, out); return err })
		_, err := c.ReadFull(task, back)
		return err
	})
	if err == nil && string(out) != string(back) {
		s.Error("something else came back")
	}
	return err
}
