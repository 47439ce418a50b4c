package sim_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// badDay is a list of faults of nearly every kind for the hosts a, b and server.
const badDay = `delay at=1ms for=50ms host=a peer=server by=1ms p=1.5
slow at=2ms for=5ms host=server by=20µs
short at=3ms for=10ms host=b n=2
buffers at=3ms for=10ms host=server n=5
partition at=4ms for=20ms host=b peer=server
one-way at=30ms for=5ms host=server peer=a
bandwidth at=40ms for=10ms n=10000
silence at=50ms for=5ms host=a peer=server
clock-step at=50ms host=a by=-1s
reset at=70ms host=b peer=server
half-open at=80ms host=server peer=a
descriptors at=90ms for=5ms host=server n=2
crash at=100ms for=20ms host=server
name-fails at=120ms for=20ms host=a name=server
power-loss at=150ms for=1s host=server
backlog at=1s for=1s host=server n=1
unanswered at=2s for=1s host=server peer=a
heal at=3s`

// scenarios are the programs whose traces must repeat.
var scenarios = []struct {
	name string
	run  func(t *testing.T, w *sim.World)
}{
	{"echo", func(t *testing.T, w *sim.World) {
		w.Host("server").Start(serveEcho)
		for _, name := range []string{"a", "b"} {
			w.Host(name).Start(func(t *corolla.Task) error { return echo(t, "server:7", 10) })
		}
		w.Advance(time.Minute)
	}},
	{"bad day", func(t *testing.T, w *sim.World) {
		w.Host("server").Start(serveEcho)
		for _, name := range []string{"a", "b"} {
			w.Host(name).Start(stubborn)
		}
		inject(t, w, strings.Split(badDay, "\n")...)
		w.Advance(time.Minute)
	}},
	{"datagrams", func(t *testing.T, w *sim.World) {
		w.SetLinks(sim.Link{Latency: sim.Pareto(time.Millisecond, 0, 1.2), Loss: 0.1, Duplicates: 0.1, Reorder: 0.1, Late: time.Second})
		datagrams(t, w, 100)
	}},
	{"loops of one program", func(t *testing.T, w *sim.World) {
		var said []string
		w.Host("a").Boot(cluster(4, 100, &said))
		if err := w.Run(); err != nil {
			t.Error(err)
		}
	}},
	{"TLS", func(t *testing.T, w *sim.World) {
		config := certificate(t)
		config.Time = func() time.Time { return sim.Epoch.Add(w.Now()) }
		w.Host("server").Start(func(t *corolla.Task) error {
			ln, err := aio.ListenTLS(t.Loop(), "tcp", ":443", config)
			if err != nil {
				return err
			}
			return serveOn(t, ln)
		})
		for _, name := range []string{"a", "b"} {
			if err := w.Host(name).Run(func(t *corolla.Task) error {
				c, err := aio.DialTLS(t, "tcp", "server:443", config)
				if err != nil {
					return err
				}
				defer c.Close()
				return ask(t, c, strings.Repeat("secret", 1000))
			}); err != nil {
				t.Error(err)
			}
		}
	}},
}

// stubborn echoes until it has succeeded ten times, with pauses.
func stubborn(t *corolla.Task) error {
	for done := 0; done < 10; {
		err := t.Timeout(2*time.Second, func(*corolla.Scope) error { return echo(t, "server:7", 5) })
		if err == nil {
			done++
		}
		if err := t.Sleep(10 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// certificate returns a configuration for both sides. The key is an Ed25519 one, whose signatures have
// one length, so that the sizes of all records repeat.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"server"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: sim.Epoch.Add(-time.Hour), NotAfter: sim.Epoch.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: pool}
}

// traces returns the trace of every scenario with a few seeds, one after the other.
func traces(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, s := range scenarios {
		for seed := range uint64(5) {
			var trace bytes.Buffer
			w := sim.New(seed, sim.Trace(&trace))
			s.run(t, w)
			w.Close()
			all[fmt.Sprint(s.name, " ", seed)] = trace.String()
		}
	}
	return all
}

func TestTracesRepeat(t *testing.T) {
	first, again := traces(t), traces(t)
	for name, trace := range first {
		if len(trace) < 1000 && !strings.HasPrefix(name, "loops") {
			t.Errorf("%s: a trace of %d bytes: is anything written down?", name, len(trace))
		}
		if again[name] != trace {
			t.Errorf("%s: the second time it was another trace: %s", name, difference(trace, again[name]))
		}
	}
}

// difference returns the first line that differs.
func difference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d is %q and then %q", i+1, as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(as), len(bs))
}

const child = "COROLLA_SIM_TRACES"

// TestTracesRepeatInOtherProcesses compares with processes that have one processor, and many.
func TestTracesRepeatInOtherProcesses(t *testing.T) {
	var mine bytes.Buffer
	all := traces(t)
	for _, s := range scenarios {
		for seed := range 5 {
			name := fmt.Sprint(s.name, " ", seed)
			fmt.Fprintf(&mine, "%s %x\n", name, sha256.Sum256([]byte(all[name])))
		}
	}
	if os.Getenv(child) != "" {
		fmt.Print("traces:\n", mine.String(), "end\n")
		return
	}
	for _, processors := range []string{"1", "8"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestTracesRepeatInOtherProcesses$")
		cmd.Env = append(os.Environ(), child+"=1", "GOMAXPROCS="+processors)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, theirs, _ := strings.Cut(string(out), "traces:\n")
		theirs, _, _ = strings.Cut(theirs, "end\n")
		if theirs != mine.String() {
			t.Errorf("with %s processors: %s", processors, difference(mine.String(), theirs))
		}
	}
}
