// Package generators holds twins of Python programs with generators (PEP 342, 380 and 479).
package generators

import "github.com/corolla-go/corolla/conformance/scenario"

// Scenarios are the twins, in the order of the rules they show.
var Scenarios = []scenario.Scenario{
	{Name: "call_runs_nothing", Rules: "1", Body: callRunsNothing},
	{Name: "send_to_fresh", Rules: "2", Body: sendToFresh},
	{Name: "send_value", Rules: "3", Body: sendValue},
	{Name: "return_value", Rules: "4", Body: returnValue},
	{Name: "throw_caught", Rules: "5", Body: throwCaught},
	{Name: "throw_fresh_finished", Rules: "6", Body: throwFreshFinished},
	{Name: "close_propagates", Rules: "7", Body: closePropagates},
	{Name: "yield_during_close", Rules: "8", Body: yieldDuringClose},
	{Name: "close_fresh_finished", Rules: "9", Body: closeFreshFinished},
	{Name: "stop_escapes", Rules: "10", Body: stopEscapes},
	{Name: "reenter", Rules: "11", Body: reenter},
	{Name: "abandoned", Rules: "12", Body: abandoned},
	{Name: "from_values", Rules: "13", Body: fromValues},
	{Name: "from_send", Rules: "14", Body: fromSend},
	{Name: "from_value", Rules: "15", Body: fromValue},
	{Name: "from_throw", Rules: "16", Body: fromThrow},
	{Name: "from_return_on_throw", Rules: "17", Body: fromReturnOnThrow},
	{Name: "from_error", Rules: "18", Body: fromError},
	{Name: "from_close", Rules: "19", Body: fromClose},
	{Name: "from_close_refused", Rules: "20", Body: fromCloseRefused},
	{Name: "from_running", Rules: "21", Body: fromRunning},
	{Name: "mix_flatten", Rules: "mix", Body: mixFlatten},
	{Name: "mix_averager", Rules: "mix", Body: mixAverager},
	{Name: "mix_trampoline", Rules: "mix", Body: mixTrampoline},
}
