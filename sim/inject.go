package sim

import (
	"fmt"
	"slices"
	"syscall"
)

// Inject schedules a fault; one whose time has passed strikes at once. It panics on a fault that
// Check does not like or whose hosts do not exist.
func (w *World) Inject(f Fault) {
	if err := f.Check(); err != nil {
		panic(err)
	}
	for _, name := range []string{f.Host, f.Peer} {
		if name != "" && w.hosts.named(name) == nil {
			panic(fmt.Sprintf("sim: fault %q: there is no host %q", f, name))
		}
	}
	if f.Kind == Restart {
		for _, h := range w.hosts {
			if f.of(h) {
				h.restarts++
			}
		}
	}
	w.at(max(f.At, w.now), func() {
		w.emit(Event{Host: f.Host, Kind: Struck, Text: f.String()})
		w.strike(&f)
	})
}

// of reports whether a fault concerns a host.
func (f *Fault) of(h *Host) bool { return f.Host == "" || f.Host == h.name }

// on reports whether a fault concerns a link.
func (f *Fault) on(from, to *Host) bool {
	if from == to {
		return f.Host == from.name && f.Peer == from.name
	}
	return f.of(from) && (f.Peer == "" || f.Peer == to.name)
}

// across is on for either direction.
func (f *Fault) across(a, b *Host) bool { return f.on(a, b) || f.on(b, a) }

// strike begins a fault.
func (w *World) strike(f *Fault) {
	switch f.Kind {
	case Crash, PowerLoss, Restart, ClockStep:
		strikeHosts(w, f)
	case Reset:
		w.between(f.on, func(d *desc) {
			if !d.closed && !d.broken {
				d.gone = true
				d.fail(syscall.ECONNRESET)
			}
		})
	case HalfOpen:
		w.between(f.on, func(d *desc) {
			if f.of(d.host) && !d.closed && !d.broken && (f.Host != "" || d.host.name < d.otherHost().name) {
				d.fail(syscall.ETIMEDOUT)
				d.other.probe()
			}
		})
	case Silence:
		w.between(f.on, func(d *desc) { d.muted = true })
		w.between(f.on, (*desc).watchOutage)
		if f.For > 0 {
			w.at(w.now+f.For, func() { w.over(f) })
		}
	case Heal:
		w.faults = slices.DeleteFunc(w.faults, func(o *Fault) bool {
			return (o.Kind == Partition || o.Kind == OneWay) && f.covers(o)
		})
		w.refresh()
	default:
		w.faults = append(w.faults, f)
		w.refresh()
		if f.For > 0 {
			w.at(w.now+f.For, func() { w.over(f) })
		}
	}
}

// covers reports whether healing between f's hosts ends partition o.
func (f *Fault) covers(o *Fault) bool {
	in := func(a, b string) bool {
		return (f.Host == "" || f.Host == a) && (f.Peer == "" || f.Peer == b)
	}
	return in(o.Host, o.Peer) || in(o.Peer, o.Host)
}

func strikeHosts(w *World, f *Fault) {
	for _, h := range w.hosts {
		if !f.of(h) || h.name == "" && f.Host == "" && len(w.hosts) > 1 {
			continue
		}
		switch f.Kind {
		case Restart:
			h.restart()
		case ClockStep:
			h.stepped += f.By
		default:
			h.doom(f)
			if f.For > 0 {
				h.restarts++
				w.at(w.now+f.For, h.restart)
			}
		}
	}
}

// over ends a fault that does not last any longer.
func (w *World) over(f *Fault) {
	w.emit(Event{Host: f.Host, Kind: Over, Text: f.String()})
	if f.Kind == Silence {
		w.between(f.on, func(d *desc) { d.muted = false })
	}
	w.faults = slices.DeleteFunc(w.faults, func(o *Fault) bool { return o == f })
	w.refresh()
}

// refresh applies the faults in force to all hosts and links.
func (w *World) refresh() {
	for _, h := range w.hosts {
		h.refresh()
	}
	for _, from := range w.hosts {
		for _, to := range w.hosts {
			if l := w.links[ends{from, to}]; l != nil {
				l.refresh()
			} else if from != to && len(w.faults) > 0 {
				w.link(from, to)
			}
		}
	}
	any := func(from, to *Host) bool { return true }
	w.between(any, func(d *desc) {
		if d.whole() {
			d.cutOff = false
		} else {
			d.watchOutage()
		}
	})
	for _, from := range w.hosts {
		for _, to := range w.hosts {
			if l := w.links[ends{from, to}]; l != nil && len(l.held) > 0 {
				l.release()
			}
		}
	}
}

func (h *Host) refresh() {
	h.symptoms = symptoms{backlog: -1}
	for _, f := range h.world.faults {
		if !f.of(h) {
			continue
		}
		switch f.Kind {
		case SlowHost:
			h.cost += f.By
		case Descriptors:
			h.most = max(f.N, 1)
		case Backlog:
			h.backlog = f.N
		case Buffers:
			h.room = f.N
		case Short:
			h.short = f.N
		case Unanswered:
			h.unanswered = append(h.unanswered, f)
		case NameFails, NameLies:
			h.names = append(h.names, f)
		}
	}
}

func (l *link) refresh() {
	l.now, l.delay, l.cut = l.base, nil, false
	for _, f := range l.from.world.faults {
		switch {
		case f.Kind == Partition && f.across(l.from, l.to):
			l.cut = true
		case !f.on(l.from, l.to):
		case f.Kind == OneWay:
			l.cut = true
		case f.Kind == Delay:
			extra := Uniform(f.By, f.By)
			if f.P > 0 {
				extra = Pareto(f.By, 0, f.P)
			}
			l.delay = append(l.delay, extra)
		case f.Kind == Bandwidth:
			l.now.Bandwidth = f.N
		case f.Kind == LossOf:
			l.now.Loss = f.P
		case f.Kind == Duplicate:
			l.now.Duplicates = f.P
		case f.Kind == Reorder:
			l.now.Reorder, l.now.Late = f.P, f.By
		}
	}
}
