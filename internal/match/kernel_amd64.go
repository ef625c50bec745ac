//go:build !purego

package match

import "golang.org/x/sys/cpu"

func init() {
	if cpu.X86.HasAVX2 {
		classify = classifyWide
	}
}

// classifyWide is classifyPortable, 64 bytes at a time.
func classifyWide(p []byte, out *planes, n int) {
	if n == 0 {
		return
	}
	if n < 0 || n > chunkBlocks || len(p) < n*blockBytes {
		panic("match: classify beyond its buffers")
	}
	classifyAVX2(&p[0], out, n)
}

//go:noescape
func classifyAVX2(p *byte, out *planes, n int)
