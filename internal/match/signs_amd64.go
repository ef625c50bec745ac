//go:build !purego

package match

import "golang.org/x/sys/cpu"

func init() {
	if cpu.X86.HasAVX2 {
		findSigns = findSignsWide
	}
}

// findSignsWide is findSignsPortable, a group of blocks at a time.
func findSignsWide(out *signs, p []byte, n int) (groups uint64) {
	if n < 0 || n > chunkBlocks || len(p) < n*blockBytes {
		panic("match: signs beyond their buffers")
	}
	whole := n / signGroup
	if whole > 0 {
		groups = findSignsAVX2(out, &p[0], whole)
	}
	return groups | findSignsFrom(out, p, whole*signGroup, n)
}

//go:noescape
func findSignsAVX2(out *signs, p *byte, groups int) uint64
