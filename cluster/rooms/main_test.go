package rooms_test

import (
	"os"
	"testing"

	"github.com/corolla-go/corolla/internal/leaktest"
)

// TestMain is also the node program: the test starts itself as that.
func TestMain(m *testing.M) {
	if os.Getenv(nodeEnv) != "" {
		node()
		return
	}
	leaktest.Main(m)
}
