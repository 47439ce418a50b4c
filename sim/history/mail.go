package history

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Mail is what was sent to everybody, what of that was acknowledged, and who received what: for
// chats, queues and logs. Messages are known by who sent them and by their numbers, which rise.
type Mail struct {
	acked    map[message]bool
	sent     map[message]bool
	received map[string][]message
	err      []error
}

type message struct {
	from   string
	number int
}

func (m message) String() string { return fmt.Sprintf("%s's message %d", m.from, m.number) }

// NewMail returns an empty Mail.
func NewMail() *Mail {
	return &Mail{acked: map[message]bool{}, sent: map[message]bool{}, received: map[string][]message{}}
}

// Sent notes that a sender has tried to send a message.
func (m *Mail) Sent(from string, number int) { m.sent[message{from, number}] = true }

// Acked notes that the sender was told that it will arrive.
func (m *Mail) Acked(from string, number int) { m.acked[message{from, number}] = true }

// Received notes that somebody has got a message.
func (m *Mail) Received(to, from string, number int) {
	m.received[to] = append(m.received[to], message{from, number})
}

// AtMostOnce says who received what twice, or what nobody has sent.
func (m *Mail) AtMostOnce() error {
	m.err = nil
	m.each(func(to string, got []message) {
		seen := map[message]bool{}
		for _, g := range got {
			switch {
			case seen[g]:
				m.failf("%s received %v twice", to, g)
			case !m.sent[g]:
				m.failf("%s received %v, which was not sent", to, g)
			}
			seen[g] = true
		}
	})
	return errors.Join(m.err...)
}

// InOrder says who received a sender's message after a later one of the same sender.
func (m *Mail) InOrder() error {
	m.err = nil
	m.each(func(to string, got []message) {
		last := map[string]int{}
		for _, g := range got {
			before, has := last[g.from]
			if has && before > g.number {
				m.failf("%s received %v after message %d", to, g, before)
			} else {
				last[g.from] = g.number
			}
		}
	})
	return errors.Join(m.err...)
}

// NothingLost says who of these did not receive what was acknowledged.
func (m *Mail) NothingLost(to ...string) error {
	m.err = nil
	for _, who := range to {
		for _, a := range m.acknowledged() {
			if !slices.Contains(m.received[who], a) {
				m.failf("%s did not receive %v, which was acknowledged", who, a)
			}
		}
	}
	return errors.Join(m.err...)
}

func (m *Mail) acknowledged() []message {
	list := make([]message, 0, len(m.acked))
	for a := range m.acked {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b message) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.number, b.number))
	})
	return list
}

// each calls f for everybody who has received something, in the order of their names.
func (m *Mail) each(f func(to string, got []message)) {
	names := make([]string, 0, len(m.received))
	for to := range m.received {
		names = append(names, to)
	}
	slices.Sort(names)
	for _, to := range names {
		f(to, m.received[to])
	}
}

func (m *Mail) failf(format string, args ...any) {
	m.err = append(m.err, fmt.Errorf("history: "+format, args...))
}
