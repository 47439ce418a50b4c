// Package conformance checks that Corolla behaves as the frameworks its models come from.
//
// Each framework has a folder. A scenario NAME in it is a program for the real framework, NAME.py, and
// its twin in Go. Both print one event a line, on a clock that jumps from timer to timer, and
// NAME.trace is what the real framework printed. The test here runs each twin on a simulated machine
// and on the real one, and compares. Where Corolla differs on purpose, NAME.differs holds what the twin
// prints, and says in its first line which declared difference that is.
//
//	go test ./conformance                      compare the twins with the stored traces
//	go test ./conformance -python python3      run the real frameworks too: make conformance
//	go test ./conformance -update              write README.md anew
//	go test ./conformance -python python3 -update   store what the real frameworks print
package conformance
