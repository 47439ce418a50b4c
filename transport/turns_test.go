package transport_test

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

// mostInATurn sends records to a protocol that does not read, lets it read, and returns how many
// calls of Data there were in one turn at the most.
func mostInATurn(t *testing.T, task *corolla.Task, records int, data func()) (most int) {
	t.Helper()
	p, calls, row := &recorder{}, 0, 0
	p.onOpen = (*transport.Conn).PauseReading
	p.onData = func(_ *transport.Conn, b []byte) {
		calls += len(b)
		row++
		most = max(most, row)
		data()
	}
	c := tlsPair(t, task, p)
	until(t, task, func() bool { return p.conn != nil })
	for range records {
		if _, err := c.Write(task, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.conn.ResumeReading()
	for calls < records {
		row = 0
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Abort()
	_ = p.wait(t, task)
	return most
}

// However long a peer floods, its records take no more of a turn than at first.
func TestFloodOfRecordsLeavesTurnsToOthers(t *testing.T) {
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		if most := mostInATurn(t, task, 1500, func() {}); most > 16 {
			t.Errorf("%d calls of Data in one turn", most)
		}
	})
}

func TestRecordsThatTakeLongComeInTurnsOfTheirOwn(t *testing.T) {
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		if l.Simulated() {
			t.Skip("the clock stands still meanwhile")
		}
		if most := mostInATurn(t, task, 40, func() {
			for !l.Overdue() {
			}
		}); most > 2 {
			t.Errorf("%d calls of Data in one turn, each longer than its budget", most)
		}
	})
}
