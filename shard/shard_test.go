package shard_test

import (
	"testing"

	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/shard"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestFirst(t *testing.T) {
	n := 0
	err := shard.Run(4, func(s *shard.Shard) error {
		if s.Index() == 0 {
			for i := range 4 {
				if err := s.Call(s.Task(), i, func(o *shard.Shard) error { n += o.Index(); return nil }); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil || n != 6 {
		t.Fatal(err, n)
	}
}
