package sim

import (
	"slices"
	"strconv"

	"github.com/corolla-go/corolla/internal/host"
)

// Crash ends the host's process between two callbacks of its loops, as a crash of the program does: the
// programs end, and all they had is gone. The system closes their sockets, so peers see the end of
// their connections or, if something was unread, a reset, and a reset when they send. Without
// programs the host refuses connections. The tasks are ended, so that their goroutines are not left
// behind; what they have deferred runs, but whatever it does to the host fails.
func (h *Host) Crash() { h.fall(false) }

// PowerOff is Crash, but the whole machine stops, and nobody is told: its peers hear nothing, until
// their keep-alive probes fail or, if they have sent something, until they give up after some 15
// minutes. After a Restart they get a reset.
func (h *Host) PowerOff() { h.fall(true) }

// Restart starts the programs of a host that is down.
func (h *Host) Restart() {
	if !h.down {
		return
	}
	w := h.world
	h.down, h.loops = false, 0
	w.emit(Event{Host: h.name, Kind: Started, Text: "the host"})
	if h.dark {
		h.dark = false
		h.disown()
	}
	for _, p := range h.programs {
		if !p.once {
			h.boot(p)
		}
	}
}

func (h *Host) fall(power bool) {
	w := h.world
	if h.down {
		if power && !h.dark {
			h.dark = true
			h.boots++
		}
		return
	}
	h.down, h.fuse.left = true, 0
	text := "the process"
	if power {
		text = "the power is off"
	}
	if w.observed() {
		w.emit(Event{Host: h.name, Kind: Crashed, Text: text})
	}
	for _, p := range h.programs {
		if p.life != nil && !p.life.done {
			p.life.over = true
		}
	}
	for _, m := range h.machines {
		m.dead, m.died, m.failed = true, w.now, ErrCrashed
		m.edges, m.levels = nil, nil
	}
	h.machines = nil
	if power {
		h.vanish()
	} else {
		for _, d := range slices.Clone(h.fds) {
			if d != nil {
				h.close(d)
			}
		}
	}
	h.fds, h.opened, h.lowest, h.signals = nil, 0, 0, nil
	h.listeners = map[string]*desc{}
}

// A fault crashes its host between two callbacks: now, or while the loops do what they have to do at
// this moment. fuse says after how many callbacks.
type fuse struct {
	left  int
	power bool
}

// mostBurning is how many callbacks a loop runs at most before the crash.
const mostBurning = 7

func (h *Host) doom(f *Fault) {
	w := h.world
	h.fuse = fuse{int(mix(w.seed^digest(f.String())^digest(h.name)) % (mostBurning + 1)), f.Kind == PowerLoss}
	if h.fuse.left == 0 || h.down {
		h.fuse.left = 0
		h.fall(h.fuse.power)
		return
	}
	w.doomed = append(w.doomed, h)
}

// burn counts a callback of m.
func (h *Host) burn(m *machine) {
	if m.polled {
		m.polled = false
		return
	}
	if h.fuse.left > 0 && m.holds && m.loop != nil {
		if h.fuse.left--; h.fuse.left == 0 {
			h.fall(h.fuse.power)
			host.Abort(m.loop, ErrCrashed)
		}
	}
}

// blow crashes those whose loops have no more to do.
func blow(w *World) {
	doomed := w.doomed
	w.doomed = nil
	for _, h := range doomed {
		if h.fuse.left > 0 {
			h.fuse.left = 0
			h.fall(h.fuse.power)
		}
	}
}

// vanish drops everything that the host knows.
func (h *Host) vanish() {
	h.orphans = append(h.orphans, h.connections()...)
	h.dark = true
	h.boots++
	for _, d := range h.orphans {
		d.other.watchOutage()
	}
}

// disown answers, after a restart, those who think that they have a connection: when they try again
// to send something, or with their next probe.
func (h *Host) disown() {
	orphans := h.orphans
	h.orphans = nil
	for _, d := range orphans {
		o := d.other
		w := h.world
		if o.closed || o.broken || o.lost() {
			continue
		}
		wait := o.keepAlive()
		if d.under > 0 {
			wait = min(w.now-o.since, longest)
		}
		if wait < 0 {
			continue // it will be told when it sends
		}
		w.atFor(d.tie, w.now+Uniform(0, wait).draw(h.rng), func() {
			if !h.dark && d.lost() {
				d.reset()
			}
		})
	}
}

// restart is a restart that was scheduled.
func (h *Host) restart() {
	if h.restarts > 0 { // else the World is closed
		h.restarts--
		h.Restart()
	}
}

func sizeOf(bytes int) string { return strconv.Itoa(bytes) + " bytes" }
