package cluster

// InletMessages is how many messages of a subscription may be on their way to the loop.
const InletMessages = inletMessages

// HoldWriter runs f while nothing is sent.
func HoldWriter(c *Conn, f func()) {
	held, release := make(chan struct{}), make(chan struct{})
	c.out.do(func() { close(held); <-release })
	<-held
	defer close(release)
	f()
}

// AtLoop returns how many messages of a subscription nats.go has handed over, and the loop has not taken.
func AtLoop(s *Subscription) int {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.n - s.in.doneN
}

// Wakes returns how often the loop was woken.
func Wakes(c *Conn) int {
	c.bridge.mu.Lock()
	defer c.bridge.mu.Unlock()
	return c.bridge.wakes
}
