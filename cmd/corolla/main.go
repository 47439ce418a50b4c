// Command corolla shows what package corolla does: it runs the talk's job in every model, serves,
// and looks into running programs.
package main

import "github.com/corolla-go/corolla/internal/program"

func main() { program.Main(nil) }
