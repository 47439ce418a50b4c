// Package asyncio holds twins of programs for Python's asyncio.
package asyncio

import "github.com/corolla-go/corolla/conformance/scenario"

// Scenarios are the twins, in the order of the rules they show.
var Scenarios = []scenario.Scenario{
	{Name: "loop_batch", Rules: "1", Body: loopBatch},
}
