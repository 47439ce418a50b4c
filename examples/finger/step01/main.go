// Step 1 is a program that does nothing until it is told to end, by ^C or SIGTERM.
package main

import "github.com/corolla-go/corolla"

func main() { corolla.Main(finger) }

func finger(t *corolla.Task) error { return t.Park("the end") }
