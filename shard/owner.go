package shard

import "hash/fnv"

// Owner returns the shard that a key belongs to: the same one on every shard, and in every run with the
// same number of shards. If the number grows from n to n+1, one key in n+1 changes its owner, and its new
// one is the last shard. (Jump consistent hashing: Lamping and Veach, "A Fast, Minimal Memory, Consistent
// Hash Algorithm", 2014.)
//
// Rendezvous hashing, which also lets a shard in the middle go, would take a hash for every shard, and
// shards do not go one by one.
func (s *Shard) Owner(key string) int { return owner(key, len(s.group.shards)) }

func owner(key string, n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash takes anything
	return jump(mix(h.Sum64()), n)
}

// jump is the paper's algorithm.
func jump(key uint64, n int) int {
	b, j := int64(-1), int64(0)
	for j < int64(n) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64(key>>33+1)))
	}
	return int(b)
}

// mix spreads what differs in a few bits over all of them. (The finalizer of MurmurHash3.)
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
