package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// This file says what an error of JetStream's means for whoever could try again. All that ask JetStream for something
// go by it: those that wait elsewhere (retry, again), and the loop's publications.
//
// "Not found" is not the truth at once. Who makes a stream that another node is just making is referred to the
// stream's first leader, which may not have it yet; a consumer is placed on a server that may not either; and after
// an election the new leader knows what it has applied. So that a stream is not there is believed when it has been
// the answer for as long as settled, and no other came between.

// verdict is what an error means.
type verdict int

const (
	final    verdict = iota // it would come again
	doubtful                // it may pass, and is believed when it has lasted
	passing                 // it passes when there is a leader, or a connection
)

// settled is how long a doubtful error must last: three times what JetStream takes to elect a leader.
const settled = 30 * time.Second

// JetStream's error codes; those that nats.go has no names for are server/errors.json's.
var (
	// becomingReady, besides those of class 503, are of a cluster that is being formed or changed: too few peers,
	// or not known to be online, no leader here, a change in progress.
	becomingReady = []jetstream.ErrorCode{10005, 10006, 10007, 10009, 10118, 10119, 10124, 10202, 10226}

	// hopeless are of class 500, and are about what was asked for: too much memory or disk, limits, a configuration.
	hopeless = []jetstream.ErrorCode{10028, 10047, 10052, 10053, 10074}
)

// inFlight is for a message with an ID that is on its way already.
const inFlight jetstream.ErrorCode = 10158

// Classes of errors.
const (
	absent   = 404
	busy     = 429
	broken   = 500
	noLeader = 503
)

// judge is what an error means, which is not nil.
func judge(err error) verdict {
	if api := apiError(err); api != nil && !isAbsent(err) {
		return judgeAPI(api)
	}
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case isOver(err) || slices.ContainsFunc(ends, is):
		return final
	case slices.ContainsFunc(passes, is):
		return passing
	}
	return doubtful
}

func judgeAPI(api *jetstream.APIError) verdict {
	switch {
	case api.Code == noLeader, api.Code == busy, api.ErrorCode == inFlight, slices.Contains(becomingReady, api.ErrorCode):
		return passing
	case slices.Contains(hopeless, api.ErrorCode):
		return final
	case api.Code == absent, api.Code == broken:
		return doubtful
	case api.ErrorCode == jetstream.JSErrCodeStreamNameInUse: // now, and when it was to be changed it was not there
		return doubtful
	}
	return final
}

// ends are errors of nats.go's after which one need not try again.
var ends = []error{
	jetstream.ErrInvalidOption, jetstream.ErrInvalidStreamName, jetstream.ErrStreamNameRequired,
	jetstream.ErrInvalidBucketName, jetstream.ErrHistoryTooLarge, jetstream.ErrInvalidConsumerName,
	jetstream.ErrInvalidSubject, jetstream.ErrLimitMarkerTTLNotSupported, ErrClosed,
}

// passes are errors that come while there is no connection, or no leader, and of readers that must begin anew.
var passes = []error{
	context.DeadlineExceeded, context.Canceled, nats.ErrTimeout, nats.ErrNoResponders, ErrTimeout, ErrNoResponders, ErrFull,
	nats.ErrDisconnected, nats.ErrReconnectBufExceeded, nats.ErrStaleConnection, nats.ErrNoServers,
	jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount, nats.ErrJetStreamNotEnabled,
	jetstream.ErrNoHeartbeat, jetstream.ErrConsumerDeleted, jetstream.ErrServerShutdown,
	jetstream.ErrConsumerLeadershipChanged, jetstream.ErrMsgIteratorClosed, errResync,
}

// isOver reports whether the connection has been closed.
func isOver(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, jetstream.ErrConnectionClosed)
}

// isAbsent reports whether an error says that there is no JetStream, or that it is only starting.
func isAbsent(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) ||
		errors.Is(err, nats.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders)
}

// apiError returns what JetStream has answered, if an error is that. A bucket is watched with nats.go's older
// interface to JetStream, which has a type of its own for it.
func apiError(err error) *jetstream.APIError {
	if api := (*jetstream.APIError)(nil); errors.As(err, &api) {
		return api
	}
	if old := (*nats.APIError)(nil); errors.As(err, &old) {
		return &jetstream.APIError{
			Code: old.Code, ErrorCode: jetstream.ErrorCode(old.ErrorCode), Description: old.Description,
		}
	}
	return nil
}

// withoutJetStream reports whether no JetStream will come.
func (c *Conn) withoutJetStream() bool {
	return c.server != nil && !c.server.JetStreamEnabled() && c.cfg.routes == ""
}
