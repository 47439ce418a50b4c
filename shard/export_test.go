package shard

// MainGrace is how long tasks have to end after Main's bodies.
var MainGrace = &mainGrace
