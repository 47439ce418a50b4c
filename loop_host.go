package corolla

import "github.com/corolla-go/corolla/internal/host"

// Where a loop runs is an option, which package internal/host alone can ask for. A function that
// takes a host.Host was rejected: it would be public, and of no use to anybody who cannot have one.

// machine is what a loop runs on: this machine, unless an option says otherwise.
type machine struct {
	simulated host.Host
	between   func(host.Host) host.Host
}

func init() {
	host.On = func(h host.Host) any { return Option(func(o *options) { o.simulated = h }) }
	host.Between = func(wrap func(host.Host) host.Host) any { return Option(func(o *options) { o.between = wrap }) }
}

func (m machine) host() (host.Host, error) {
	h, err := m.simulated, error(nil)
	if h == nil {
		h, err = host.New()
	}
	if err == nil && m.between != nil {
		h = m.between(h)
	}
	return h, err
}
