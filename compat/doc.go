// Package compat has tests alone. They try what other people's libraries do with the connections of
// package green, against real servers, and hold what docs/models.md says of that: each row of its
// tables by function has a test here.
//
// It is a module of its own, so that those libraries are in nobody's go.mod.
package compat
