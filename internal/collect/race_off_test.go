//go:build !race

package collect_test

// slower stretches time limits under the race detector.
const slower = 1
