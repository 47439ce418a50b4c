package rooms_test

import (
	"testing"

	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
