package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind says what goes wrong.
type FaultKind string

// The kinds of faults. Each says which fields of a Fault it uses besides Kind, At and For. A link
// goes from Host to Peer; an empty name stands for every host, and on both ends for every link
// between different hosts.
const (
	// Of a host.
	Crash       FaultKind = "crash"       // Host: its process dies, and starts again after For, if that is not 0
	PowerLoss   FaultKind = "power-loss"  // Host: as Crash, but nobody is told: its peers hear nothing any more
	Restart     FaultKind = "restart"     // Host: starts again, if it is down
	SlowHost    FaultKind = "slow"        // Host, By: each callback takes so much longer
	ClockStep   FaultKind = "clock-step"  // Host, By: the wall clock is set forward, or back if it is negative
	Descriptors FaultKind = "descriptors" // Host, N: no more than N can be open (EMFILE)
	Backlog     FaultKind = "backlog"     // Host, N: no more than N connections wait to be accepted
	Buffers     FaultKind = "buffers"     // Host, N: so many bytes can be sent to a peer and not read there
	Short       FaultKind = "short"       // Host, N: a write takes N bytes at most, which arrive by themselves
	Unanswered  FaultKind = "unanswered"  // Host, Peer: attempts of Peer to connect to Host are not answered
	NameFails   FaultKind = "name-fails"  // Host, Name: looking up the name fails for a while (SERVFAIL)
	NameLies    FaultKind = "name-lies"   // Host, Name, Addr: the name resolves to Addr

	// Of a link.
	Partition FaultKind = "partition" // Host, Peer: nothing gets through, either way
	OneWay    FaultKind = "one-way"   // Host, Peer: nothing gets through from Host to Peer
	Heal      FaultKind = "heal"      // Host, Peer: ends all partitions between the two
	Delay     FaultKind = "delay"     // Host, Peer, By, P: latency grows by By, or by Pareto(By, P) if P is not 0
	Bandwidth FaultKind = "bandwidth" // Host, Peer, N: bytes per second
	LossOf    FaultKind = "loss"      // Host, Peer, P: this share of datagrams is lost
	Duplicate FaultKind = "duplicate" // Host, Peer, P: this share of datagrams arrives twice
	Reorder   FaultKind = "reorder"   // Host, Peer, P, By: this share of datagrams comes up to By late

	// Of the connections that are there at the time, in either direction.
	Reset    FaultKind = "reset"     // Host, Peer: both ends see a reset
	Silence  FaultKind = "silence"   // Host, Peer: neither hears of the other any more
	HalfOpen FaultKind = "half-open" // Host, Peer: Host's end fails, and Peer's is not told
)

// Fault is one thing that goes wrong, as data: a list of faults and a seed decide a run. Its String
// is one line that ParseFault reads.
type Fault struct {
	Kind FaultKind
	At   time.Duration // when, since the World began
	For  time.Duration // how long; 0 is until something else ends it, if anything does
	Host string
	Peer string
	By   time.Duration
	N    int
	P    float64
	Name string
	Addr string
}

// need says what a kind of fault requires.
type need struct {
	host, peer, by, n, p, name, addr bool // which fields it uses
	lasts                            bool // whether it can end by itself
}

var kinds = map[FaultKind]need{
	Crash:       {host: true, lasts: true},
	PowerLoss:   {host: true, lasts: true},
	Restart:     {host: true},
	SlowHost:    {host: true, by: true, lasts: true},
	ClockStep:   {host: true, by: true},
	Descriptors: {host: true, n: true, lasts: true},
	Backlog:     {host: true, n: true, lasts: true},
	Buffers:     {host: true, n: true, lasts: true},
	Short:       {host: true, n: true, lasts: true},
	Unanswered:  {host: true, peer: true, lasts: true},
	NameFails:   {host: true, name: true, lasts: true},
	NameLies:    {host: true, name: true, addr: true, lasts: true},
	Partition:   {host: true, peer: true, lasts: true},
	OneWay:      {host: true, peer: true, lasts: true},
	Heal:        {host: true, peer: true},
	Delay:       {host: true, peer: true, by: true, p: true, lasts: true},
	Bandwidth:   {host: true, peer: true, n: true, lasts: true},
	LossOf:      {host: true, peer: true, p: true, lasts: true},
	Duplicate:   {host: true, peer: true, p: true, lasts: true},
	Reorder:     {host: true, peer: true, by: true, p: true, lasts: true},
	Reset:       {host: true, peer: true},
	Silence:     {host: true, peer: true, lasts: true},
	HalfOpen:    {host: true, peer: true},
}

// FaultKinds returns all kinds of faults, in alphabetical order.
func FaultKinds() []FaultKind {
	all := make([]FaultKind, 0, len(kinds))
	for k := range kinds {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// String returns the fault on one line: its kind, and what is not zero of "at=", "for=", "host=",
// "peer=", "by=", "n=", "p=", "name=", "addr=".
func (f Fault) String() string {
	b := []byte(f.Kind)
	field := func(name, value string, zero bool) {
		if !zero {
			b = append(append(append(append(b, ' '), name...), '='), value...)
		}
	}
	field("at", f.At.String(), false)
	field("for", f.For.String(), f.For == 0)
	field("host", f.Host, f.Host == "")
	field("peer", f.Peer, f.Peer == "")
	field("by", f.By.String(), f.By == 0)
	field("n", strconv.Itoa(f.N), f.N == 0)
	field("p", strconv.FormatFloat(f.P, 'g', -1, 64), f.P == 0)
	field("name", f.Name, f.Name == "")
	field("addr", f.Addr, f.Addr == "")
	return string(b)
}

// ParseFault reads what Fault.String writes.
func ParseFault(line string) (Fault, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Fault{}, errors.New("sim: a fault without a kind")
	}
	f := Fault{Kind: FaultKind(words[0])}
	for _, word := range words[1:] {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return Fault{}, fmt.Errorf("sim: fault %q: %q is not a field with its value", line, word)
		}
		if err := f.set(name, value); err != nil {
			return Fault{}, fmt.Errorf("sim: fault %q: %s: %w", line, name, err)
		}
	}
	return f, f.Check()
}

func (f *Fault) set(name, value string) (err error) {
	switch name {
	case "at":
		f.At, err = time.ParseDuration(value)
	case "for":
		f.For, err = time.ParseDuration(value)
	case "host":
		f.Host = value
	case "peer":
		f.Peer = value
	case "by":
		f.By, err = time.ParseDuration(value)
	case "n":
		f.N, err = strconv.Atoi(value)
	case "p":
		f.P, err = strconv.ParseFloat(value, 64)
	case "name":
		f.Name = value
	case "addr":
		f.Addr = value
	default:
		err = errors.New("no such field")
	}
	return err
}

// Check says what is wrong with a fault, but not whether its hosts exist.
func (f Fault) Check() error {
	need, known := kinds[f.Kind]
	bad := func(what string) error { return fmt.Errorf("sim: fault %q: %s", f, what) }
	switch {
	case !known:
		return bad("no such kind")
	case f.At < 0 || f.For < 0:
		return bad("a time before the beginning")
	case !need.lasts && f.For != 0:
		return bad("it happens at one time, so it does not last")
	case !need.peer && f.Peer != "" || !need.by && f.By != 0 || !need.n && f.N != 0 ||
		!need.p && f.P != 0 || !need.name && f.Name != "" || !need.addr && f.Addr != "":
		return bad("a field that this kind does not use")
	case f.N < 0:
		return bad("n is negative")
	case f.By < 0 && f.Kind != ClockStep:
		return bad("by is negative")
	case !(f.P >= 0) || f.P > 1 && f.Kind != Delay:
		return bad("p is not between 0 and 1")
	case need.name && f.Name == "":
		return bad("no name")
	case (f.Kind == Buffers || f.Kind == Short || f.Kind == Bandwidth) && f.N < 1:
		return bad("n is less than 1")
	}
	if need.addr {
		if _, err := netip.ParseAddr(f.Addr); err != nil {
			return bad("addr is not an IP address")
		}
	}
	return nil
}
