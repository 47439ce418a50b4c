package corolla

import "github.com/corolla-go/corolla/internal/host"

// The host that a loop runs on is an option that only importers of internal/host can set. A function
// that takes a host.Host was rejected: it would be public, and useless to everybody else.

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
