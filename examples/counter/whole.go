//go:build !counterbug

package main

const cutHalfLines = true
