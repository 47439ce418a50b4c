//go:build race

package websocket_test

// storms is how many runs the race detector leaves time for.
const storms = 20
