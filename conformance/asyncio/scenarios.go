// Package asyncio holds twins of programs for Python's asyncio.
package asyncio

import "github.com/corolla-go/corolla/conformance/scenario"

// Scenarios are the twins, in the order of the rules they show.
var Scenarios = []scenario.Scenario{
	{Name: "loop_batch", Rules: "1", Body: loopBatch},
	{Name: "loop_order", Rules: "2 6", Body: loopOrder},
	{Name: "loop_later_zero", Rules: "3", Body: loopLaterZero},
	{Name: "loop_later_negative", Rules: "3", Body: loopLaterNegative},
	{Name: "loop_cancel_in_batch", Rules: "4", Body: loopCancelInBatch},
	{Name: "loop_raise", Rules: "5", Body: loopRaise},
	{Name: "loop_reader_replaced", Rules: "7", Body: loopReaderReplaced},
	{Name: "loop_reader_level", Rules: "1 2", Body: loopReaderLevel},
	{Name: "loop_timers", Rules: "call_later", Body: loopTimers},
	{Name: "loop_equal_timers", Rules: "call_later", Body: loopEqualTimers},
	{Name: "loop_stop", Rules: "run_forever, stop", Body: loopStop},
	{Name: "loop_stopped_early", Rules: "run_until_complete", Body: loopStoppedEarly},
	{Name: "loop_refuses", Rules: "close", Body: loopRefuses},
	{Name: "loop_close_twice", Rules: "close", Body: loopCloseTwice},
	{Name: "loop_executor", Rules: "executor", Body: loopExecutor},
	{Name: "future_callbacks", Rules: "8", Body: futureCallbacks},
	{Name: "future_done_callback", Rules: "9", Body: futureDoneCallback},
	{Name: "future_states", Rules: "future", Body: futureStates},
	{Name: "future_unseen", Rules: "future", Body: futureUnseen},
	{Name: "future_no_failure", Rules: "17", Body: futureNoFailure},
}
