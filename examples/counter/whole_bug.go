//go:build counterbug

package main

// A bug for the explorer to find: half a line at the end of the journal stays there. The next name is
// written right behind it, and the two are read as one that nobody has sent, once the replica has
// crashed again. So it takes a crash in the moment of a write, and then another one.
var cutHalfLines = false
