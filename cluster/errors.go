package cluster

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Errors that callers look for with errors.Is.
var (
	// ErrFull is returned where there is no room for another message, or another request.
	ErrFull = errors.New("cluster: too much is waiting to be sent")

	// ErrClosed is returned by what was closed, or whose Conn was.
	ErrClosed = errors.New("cluster: closed")

	// ErrNoResponders is the error of a Request for whose subject there is nobody.
	ErrNoResponders = errors.New("cluster: nobody answers on this subject")

	// ErrTimeout is the error of a Request that was not answered in time, and of a publication that was not
	// acknowledged in time, and may have been stored or not.
	ErrTimeout = errors.New("cluster: no answer in time")

	// ErrTooLarge is returned for a message that is larger than the server takes.
	ErrTooLarge = errors.New("cluster: the message is larger than the server takes")

	// ErrSubject is returned for a subject that NATS does not allow.
	ErrSubject = errors.New("cluster: not a subject")

	// ErrNoJetStream is the error of Stream, State and Presence when the server has none: an embedded one has if
	// it has a Store.
	ErrNoJetStream = errors.New("cluster: there is no JetStream")

	// ErrConflict is the error of a change to a key of a State that has changed meanwhile.
	ErrConflict = errors.New("cluster: the key has changed meanwhile")
)

// SlowError reports messages of a subscription that were lost because more than its Pending were waiting for
// the loop. It goes to the loop's error handler, once for each time that the subscription falls behind.
type SlowError struct {
	Subject string
	Dropped int // messages lost so far, in all
}

func (e *SlowError) Error() string {
	return fmt.Sprintf("cluster: the subscription to %s is too slow: %d messages lost so far", e.Subject, e.Dropped)
}

// Unwrap returns nats.go's error for the same thing.
func (e *SlowError) Unwrap() error { return nats.ErrSlowConsumer }
