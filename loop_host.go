package corolla

import "github.com/corolla-go/corolla/internal/host"

// The host that a loop runs on is an option that only importers of internal/host can set. A function
// that takes a host.Host was rejected: it would be public, and useless to everybody else.

// machine is what a loop runs on: this machine, unless an option says otherwise.
type machine struct {
	simulated func(l any) host.Host // nil is this machine
	between   func(host.Host) host.Host
}

func init() {
	host.On = func(open func(loop any) host.Host) any {
		return Option(func(o *options) { o.simulated = open })
	}
	host.Abort = func(l any, err error) { l.(*Loop).failed = err }
	host.Between = func(wrap func(host.Host) host.Host) any { return Option(func(o *options) { o.between = wrap }) }
}

func (m machine) host(l *Loop) (h host.Host, err error) {
	if m.simulated != nil {
		h = m.simulated(l)
	} else {
		h, err = host.New()
	}
	if err == nil && m.between != nil {
		h = m.between(h)
	}
	return h, err
}
