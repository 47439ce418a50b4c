package main

import (
	"os"
	"testing"

	"github.com/corolla-go/corolla/internal/leaktest"
)

// programEnv makes the test program be the program itself.
const programEnv = "COROLLA_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
	}
	leaktest.Main(m)
}
