package hunt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"slices"

	"github.com/wardline/wardline/internal/risk"
)

const (
	perSegment  = 64 // stretches: their number takes the low bits of an entry
	unitBits    = 6
	perBucket   = 128     // entries, about
	spread      = 1000    // places for each key of a segment: a domain is asked for with some two dozen look-alikes
	leastPlaces = 1 << 20 // for a segment of few keys, where each stands in most stretches
	maxEntries  = 4 << 20
	maxHead     = 16 << 20
	bucketCheck = 4 // bytes of a bucket's checksum
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is what of a segment is held in memory while it is asked.
type segment struct {
	stretches []risk.Stretch
	unknown   uint64 // a bit for each stretch of which nothing is known
	buckets   uint64
	places    uint64   // of keys, in each bucket
	ends      []uint32 // of the buckets, in the data
	data      int64    // where it begins in the file
}

// encodeSegment writes the stretches and their entries, each a key with the number of its stretch in the low bits.
func encodeSegment(stretches []risk.Stretch, unknown uint64, entries []uint64) (head, data []byte) {
	s := segment{buckets: uint64(max(1, len(entries)/perBucket))}
	buckets := s.deal(entries)
	distinct := 0
	for i, bucket := range buckets {
		slices.Sort(bucket)
		buckets[i] = slices.Compact(bucket)
		distinct += keysIn(buckets[i])
	}
	s.places = max(uint64(distinct)*spread, leastPlaces)/s.buckets + 1

	head = binary.AppendUvarint(nil, uint64(len(stretches)))
	head = binary.LittleEndian.AppendUint64(head, unknown)
	head = binary.AppendUvarint(head, s.buckets)
	head = binary.AppendUvarint(head, s.places)
	for _, bucket := range buckets {
		size := len(data)
		data = s.appendBucket(data, bucket)
		head = binary.AppendUvarint(head, uint64(len(data)-size))
	}
	for i, st := range stretches {
		if i == 0 || !samePosition(st.From, stretches[i-1].Until) {
			head = append(head, 1)
			head = appendPosition(head, st.From, risk.Position{})
		} else {
			head = append(head, 0)
		}
		head = appendPosition(head, st.Until, st.From)
		head = binary.AppendUvarint(head, uint64(st.Bytes))
	}
	return head, data
}

// deal brings entries into their buckets, which are small enough to be sorted fast.
func (s *segment) deal(entries []uint64) [][]uint64 {
	ends := make([]int, s.buckets)
	for _, e := range entries {
		ends[s.bucketOf(e)]++
	}
	at := 0
	for i, n := range ends {
		ends[i], at = at, at+n
	}
	dealt := make([]uint64, len(entries))
	for _, e := range entries {
		b := s.bucketOf(e)
		dealt[ends[b]] = e
		ends[b]++
	}
	buckets, from := make([][]uint64, s.buckets), 0
	for i, end := range ends {
		buckets[i], from = dealt[from:end], end
	}
	return buckets
}

// keysIn counts the keys of sorted entries.
func keysIn(entries []uint64) (n int) {
	for i, e := range entries {
		if i == 0 || e>>unitBits != entries[i-1]>>unitBits {
			n++
		}
	}
	return n
}

func (s *segment) bucketOf(entry uint64) uint64 {
	bucket, _ := s.placeOf(entry)
	return bucket
}

// placeOf gives the bucket of an entry's key and its place in there. Both grow with the key.
func (s *segment) placeOf(entry uint64) (bucket, place uint64) {
	bucket, rest := bits.Mul64(entry&^(perSegment-1), s.buckets)
	place, _ = bits.Mul64(rest, s.places)
	return bucket, place
}

func (s *segment) appendBucket(data []byte, entries []uint64) []byte {
	start, last, values := len(data), uint64(0), entries
	for i, e := range entries {
		_, place := s.placeOf(e)
		values[i] = place<<unitBits | e&(perSegment-1)
	}
	if !slices.IsSorted(values) { // keys that fall on one place mix their stretches
		slices.Sort(values)
	}
	for _, v := range slices.Compact(values) {
		data = binary.AppendUvarint(data, v-last)
		last = v
	}
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data[start:], castagnoli))
}

// find gives the stretches that hold key, as bits, and perhaps others.
func (s *segment) find(r io.ReaderAt, key uint64, buf []byte) (mask uint64, _ []byte, err error) {
	bucket, place := s.placeOf(key)
	from := uint32(0)
	if bucket > 0 {
		from = s.ends[bucket-1]
	}
	size := int(s.ends[bucket] - from)
	buf = slices.Grow(buf[:0], size)[:size]
	if _, err := r.ReadAt(buf, s.data+int64(from)); err != nil {
		return 0, buf, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	body := buf[:size-bucketCheck]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(buf[size-bucketCheck:]) {
		return 0, buf, fmt.Errorf("%w: a checksum does not fit", ErrDamaged)
	}
	for value := uint64(0); len(body) > 0; {
		gap, n := binary.Uvarint(body)
		if n <= 0 {
			return 0, buf, fmt.Errorf("%w: a bucket ends within a number", ErrDamaged)
		}
		value, body = value+gap, body[n:]
		switch at := value >> unitBits; {
		case at == place:
			mask |= 1 << (value & (perSegment - 1))
		case at > place:
			return mask, buf, nil
		}
	}
	return mask, buf, nil
}

// decodeSegment reads a head whose checksum was right; data is how many bytes follow it.
func decodeSegment(head []byte, data uint32) (segment, error) {
	d := decoder{rest: head}
	n := d.number(perSegment)
	s := segment{unknown: d.fixed()}
	s.buckets = d.number(maxEntries)
	s.places = d.number(1 << 48)
	if d.failed || s.buckets == 0 || s.places == 0 || s.buckets > uint64(len(d.rest)) {
		return s, fmt.Errorf("%w: a segment's head cannot be read", ErrDamaged)
	}
	s.ends = make([]uint32, s.buckets)
	end := uint64(0)
	for i := range s.ends {
		size := d.number(uint64(data))
		if end += size; size < bucketCheck || end > uint64(data) {
			return s, fmt.Errorf("%w: a bucket lies outside its segment", ErrDamaged)
		}
		s.ends[i] = uint32(end)
	}
	var last risk.Position
	for range n {
		var st risk.Stretch
		if st.From = last; d.number(1) == 1 {
			st.From = d.position(risk.Position{})
		}
		st.Until = d.position(st.From)
		st.Bytes = int64(d.number(1 << 62))
		last = st.Until
		s.stretches = append(s.stretches, st)
	}
	if d.failed || len(d.rest) > 0 || end != uint64(data) {
		return s, fmt.Errorf("%w: a segment's head cannot be read", ErrDamaged)
	}
	return s, nil
}
