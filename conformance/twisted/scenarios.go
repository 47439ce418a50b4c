// Package twisted has the twins of Twisted's scenarios.
package twisted

import "github.com/corolla-go/corolla/conformance/scenario"

// Scenarios are all of them. Rules are numbered as in Twisted's tests' own order: Deferreds 1 to 16,
// time 17 to 22, transports 23 to 33, framing 34 to 36.
var Scenarios = []scenario.Scenario{
	{Name: "callback_at_once", Rules: "1", Body: callbackAtOnce},
	{Name: "pair_error", Rules: "2", Body: pairError},
	{Name: "inner_deferred", Rules: "3", Body: innerDeferred},
	{Name: "added_in_callback", Rules: "4", Body: addedInCallback},
	{Name: "long_chain", Rules: "5", Body: longChain},
	{Name: "called_twice", Rules: "6", Body: calledTwice},
	{Name: "cancel_matrix", Rules: "6 7", Body: cancelMatrix},
	{Name: "cancel_inner", Rules: "7", Body: cancelInner},
	{Name: "canceler_raises", Rules: "8", Body: cancelerRaises},
	{Name: "errback_of_nothing", Rules: "9", Body: errbackOfNothing},
	{Name: "unhandled_collected", Rules: "10", Body: unhandledCollected},
	{Name: "unhandled_held", Rules: "10", Body: unhandledHeld},
	{Name: "add_timeout", Rules: "11", Body: addTimeout},
	{Name: "list_empty", Rules: "12", Body: listEmpty},
	{Name: "list_results", Rules: "DeferredList", Body: listResults},
	{Name: "list_consume", Rules: "13", Body: listConsume},
	{Name: "gather_cancel", Rules: "14", Body: gatherCancel},
	{Name: "inline_callbacks", Rules: "15", Body: inlineCallbacks},
	{Name: "inline_cancel", Rules: "15", Body: inlineCancel},
	{Name: "lock_release", Rules: "16", Body: lockRelease},
	{Name: "semaphore_run", Rules: "16", Body: semaphoreRun},
	{Name: "queue_limits", Rules: "DeferredQueue", Body: queueLimits},
	{Name: "pause_and_chain", Rules: "Deferred", Body: pauseAndChain},
}
