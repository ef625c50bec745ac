// Package hunt owns the block index that the reading of a dump leaves behind: which keys of hosts, logins and networks
// stand in which of its stretches of about a megabyte. It answers where a supplier that was added later may have been
// seen, so that only those stretches are read again; and it still does when the dump itself is gone. It holds no names,
// only hashes that were cut short.
//
// A file is a header and segments of up to 64 stretches. A segment's keys are mapped to a range some 1000 times as large
// as there are of them, joined with the number of their stretch, sorted and written as differences of one to three
// bytes, in buckets that each carry a checksum: one question reads one bucket. Beside binary fuse filters of 8 and 16
// bits for each stretch (9.1 and 18.2 bits a key) this takes some 20 bits for a key that stands in one stretch and 8 for
// each further one, asks once for 64 stretches instead of 64 times, and what is read is known to be whole.
package hunt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// ErrDamaged is an index that was cut off, changed, or written in another way: its dump must be read again.
var ErrDamaged = errors.New("the index is damaged")

// Dump is one content of one file. When the file is replaced, the index of what it held before stays.
type Dump struct {
	Source   string // key of the source whose file it is
	Folder   string // the source's address
	Path     string // in it
	Bytes    int64
	Modified time.Time
	Version  string // what an object store calls the content
	Keys     int    // how the keys were made
}

// stretchBytes is how much text a stretch holds at least, unless the dump ends or what was found is saved. A block of a
// mebibyte, which ends with a line, is one.
const stretchBytes = 15 << 16

// File is where the index of a dump is kept.
func File(folder string, d Dump) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %q", d.Source, d.Path, d.Bytes, d.Modified.UnixMicro(), d.Version))
	return filepath.Join(folder, hex.EncodeToString(sum[:16])+suffix)
}

const (
	suffix  = ".index"
	partial = ".part" // behind the name while the dump is being read
)
