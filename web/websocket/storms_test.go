//go:build !race

package websocket_test

// storms is how many runs an exploration makes.
const storms = 200
