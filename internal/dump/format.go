package dump

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
)

// format is what a document's first bytes say it is.
type format int

const (
	plain format = iota
	formatZip
	formatTar
	formatGzip
	formatBzip2
	formatXZ
	formatZstd
	formatLZ4
	formatLZMA
	format7z
	formatRAR
	formatCab
	formatARJ
	formatLZH
	formatCompress
	formatACE
	formatWIM
	formatOldRAR
)

// unread are packed formats that are known and not read. Those that hold their files unpacked (iso, cpio, ar) are read
// as they are.
var unread = map[format]string{
	formatCab: "a cabinet (.cab)", formatARJ: "an arj archive", formatLZH: "an lzh archive", formatCompress: "packed by compress (.Z)",
	formatACE: "an ace archive", formatWIM: "a Windows image (.wim)", formatOldRAR: "a rar archive from before 1996",
}

const sniffBytes = 512

var magics = []struct {
	at     int
	prefix string
	is     format
}{
	{0, "PK\x03\x04", formatZip}, {0, "PK\x05\x06", formatZip}, {0, "PK\x07\x08PK\x03\x04", formatZip}, {0, "PK00PK\x03\x04", formatZip},
	{0, "\x1f\x8b\x08", formatGzip}, {0, "\xfd7zXZ\x00", formatXZ}, {0, "\x28\xb5\x2f\xfd", formatZstd},
	{0, "7z\xbc\xaf\x27\x1c", format7z}, {0, "Rar!\x1a\x07\x00", formatRAR}, {0, "Rar!\x1a\x07\x01\x00", formatRAR}, // the decoder looks for these, and for ever for any other
	{0, "\x04\x22\x4d\x18", formatLZ4}, {0, "\x02\x21\x4c\x18", formatLZ4},
	{0, "MSCF\x00\x00\x00\x00", formatCab}, {0, "\x1f\x9d\x90", formatCompress}, {7, "**ACE**", formatACE}, {0, "MSWIM\x00\x00\x00", formatWIM}, {0, "RE~^", formatOldRAR},
	{257, "ustar", formatTar},
}

func sniff(head []byte) format {
	for _, m := range magics {
		if len(head) > m.at && bytes.HasPrefix(head[m.at:], []byte(m.prefix)) {
			return m.is
		}
	}
	switch {
	case len(head) > 10 && bytes.HasPrefix(head, []byte("BZh")) && (string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17rE8P\x90"):
		return formatBzip2
	case len(head) > 8 && head[0]>>4 == 5 && string(head[1:4]) == "\x2a\x4d\x18": // what may stand before zstd
		return formatZstd
	case isLZMA(head):
		return formatLZMA
	case len(head) > 7 && string(head[2:4]) == "-l" && head[4] >= 'd' && head[4] <= 'z' && head[6] == '-' && head[0] >= 20:
		return formatLZH
	case len(head) > 40 && head[0] == 0x60 && head[1] == 0xea && head[4] >= 30 && head[10] == 2:
		return formatARJ
	}
	return plain
}

// isLZMA tells the older format of xz, which has no mark: settings as they are in use, a dictionary of a usual size,
// then the size, and the zero that always comes first.
func isLZMA(head []byte) bool {
	if len(head) < 18 || head[0] != 0x5d || head[13] != 0 {
		return false
	}
	dictionary, size := binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint64(head[5:])
	usual := bits.OnesCount32(dictionary) == 1 || bits.OnesCount32(dictionary) == 2 && dictionary&(dictionary>>1) != 0
	return dictionary >= 4096 && (usual || dictionary == math.MaxUint32) && (size == math.MaxUint64 || size < 1<<40)
}

// hidden looks for an archive in a document that does not begin like one: behind a program that unpacks itself, or
// behind anything else that a zip was appended to. before is how many bytes stand in front of it; those of a zip are
// found by its directory.
func hidden(head []byte, at io.ReaderAt, size int64) (is format, before int64) {
	binary := bytes.IndexByte(head, 0) >= 0
	if isProgram(head) {
		if is, before = appended(at, size); is != plain {
			return is, before
		}
	}
	var end [endRecordBytes]byte
	if size < 2*endRecordBytes {
		return plain, 0
	}
	if n, _ := at.ReadAt(end[:], size-endRecordBytes); n == endRecordBytes && string(end[:4]) == "PK\x05\x06" || binary {
		if d, err := findZipDirectory(at, size, nil); err == nil && d.start < d.end {
			return formatZip, 0
		}
	}
	return plain, 0
}

func isProgram(head []byte) bool {
	return bytes.HasPrefix(head, []byte("MZ")) || bytes.HasPrefix(head, []byte("\x7fELF"))
}

// maxProgram is how far the archive behind a program that unpacks itself is looked for.
const maxProgram = 4 << 20

func appended(at io.ReaderAt, size int64) (format, int64) {
	b := make([]byte, min(size, maxProgram))
	n, _ := at.ReadAt(b, 0)
	b = b[:n]
	for i := 0; i < len(b); {
		j := bytes.IndexAny(b[i:], "7R")
		if j < 0 {
			break
		}
		i += j
		if is := archiveAt(b[i:]); is != plain {
			return is, int64(i)
		}
		i++
	}
	return plain, 0
}

// archiveAt is stricter than sniff: a program that unpacks archives has their marks in itself.
func archiveAt(b []byte) format {
	le := binary.LittleEndian
	switch {
	case len(b) >= 32 && bytes.HasPrefix(b, []byte("7z\xbc\xaf\x27\x1c")) && crc32.ChecksumIEEE(b[12:32]) == le.Uint32(b[8:]):
		return format7z
	case len(b) >= 16 && bytes.HasPrefix(b, []byte("Rar!\x1a\x07\x00")) && b[9] == 0x73:
		return formatRAR
	case len(b) >= 16 && bytes.HasPrefix(b, []byte("Rar!\x1a\x07\x01\x00")):
		if n := int(b[12]); n < 128 && 13+n <= len(b) && crc32.ChecksumIEEE(b[12:13+n]) == le.Uint32(b[8:]) {
			return formatRAR
		}
	}
	return plain
}
