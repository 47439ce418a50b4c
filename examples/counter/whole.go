//go:build !counterbug

package main

var cutHalfLines = true
