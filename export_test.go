package corolla

// SpareCells returns how many cells a queue keeps for those who wait next.
func SpareCells[T any](q *Queue[T]) int { return len(q.spare) }
