package risk

import (
	"cmp"
	"slices"
	"time"
)

// Block is a stretch of a document: the unit in which bytes go through match and extract. A hit belongs to the block
// whose body (Data without Lead and Trail) holds its first byte; Lead and Trail are there for context only.
type Block struct {
	Place   Place      // Path and Entry of the document; Line and Offset of Data[0]
	Source  SourceKind // where the document comes from
	Title   string     // a post's or paste's title; "" for files
	Posted  time.Time  // zero = unknown
	Data    []byte     // UTF-8 or arbitrary bytes; valid until visit returns
	Lead    int
	Trail   int
	Wide    []Wide   // the parts of Data that were UTF-16, in order
	At      Position // where reading goes on after this block
	Head    []byte   // the document's first 4 KiB at most, when Data does not begin with them
	Context []byte   // what the document said further in front that its reading depends on, as extract.Context makes it
	Facts   []Fact   // of the machine whose log the document belongs to
	Lines   bool     // for a scan, whose blocks are no entries: every line that mentions a supplier tells, without an excerpt
}

// Body is the part of Data whose hits belong to this block.
func (b Block) Body() []byte { return b.Data[b.Lead : len(b.Data)-b.Trail] }

// Wide is a part of a block's text that the document holds as UTF-16.
type Wide struct {
	Start, End int   // in Data
	Offset     int64 // in the document, where it begins
	After      int64 // and ends
}

// OffsetOf is the byte offset in the unpacked document of what stands at Data[i].
func (b Block) OffsetOf(i int) int64 {
	n, _ := slices.BinarySearchFunc(b.Wide, i+1, func(w Wide, i int) int { return cmp.Compare(w.Start, i) })
	if n == 0 {
		return b.Place.Offset + int64(i)
	}
	w := b.Wide[n-1]
	if i >= w.End {
		return w.After + int64(i-w.End)
	}
	offset := w.Offset
	for _, c := range b.Data[w.Start:i] {
		switch {
		case c >= 0xf0: // a character beyond the first 65 536 is two units
			offset += 4
		case c&0xc0 != 0x80:
			offset += 2
		}
	}
	return offset
}

// Position is a place at which the reading of a file can be taken up again. Its zero value is the file's beginning.
type Position struct {
	Document int    // of the file's documents (itself, or those inside an archive) in reading order, from 0
	Entry    string // its path inside the archive
	Offset   int64  // in the unpacked document
	Line     int    // 1-based line at Offset
	Lead     int    // bytes in front of Offset that belong to the block there; -1 = unknown, and found by reading from the front
	Context  []byte // Block.Context of the block that begins there
	Facts    []Fact // Block.Facts of the documents around it
}
