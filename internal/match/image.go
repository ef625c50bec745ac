package match

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"

	"github.com/wardline/wardline/internal/risk"
)

// A compiled watchlist is one run of bytes, the image: the same in memory, in a file, and mapped from it. All numbers
// are little-endian. It begins with a header:
//
//	 0  magic "WARDWTCH"
//	 8  version (4 bytes); it stands for the layout, the keys and the folding
//	12  CRC-32C of all bytes from 16 on (4)
//	16  length of the image (8)
//	24  parameters, 4 bytes each, in the order of the param constants
//	64  sections, offset and length of 8 bytes each, in the order of the section constants
//
// The sections follow, each at a multiple of 64 bytes.
const (
	magic        = "WARDWTCH"
	imageVersion = 2
	sumAt        = 12
	paramsAt     = 24
	sectionsAt   = 64
	headerBytes  = sectionsAt + 16*sections
)

const (
	paramLabels     = iota // labels of the longest name
	paramShortest          // characters of the shortest anchor word, at most 4
	paramLongest           // bytes of the longest anchor word
	paramTails             // 1: the filter of word ends is worth asking
	paramShortNames        // 1: there are names of two labels whose first is short
	paramNameTail          // how many bytes choose a word in the filter of names' last bytes
	params
)

const (
	sectionTerms        = iota // termBytes each, see termRecord
	sectionIDs                 // ID and supplier's ID, 8 bytes each, a term; empty when all are 0
	sectionSuppliers           // where each supplier's name ends in the next section, 4 bytes each
	sectionSupplierText        // supplier names
	sectionText                // values, folded phrases and further names of terms
	sectionLists               // see termList
	sectionExact               // slots of domains in ASCII and in Unicode form
	sectionAlike               // slots of their skeletons, where they differ from the names
	sectionRanges              // slots of address ranges
	sectionLengths             // prefix lengths of the ranges, longest first, a byte each: those of IPv4 after those of IPv6, see rangeLength
	sectionHosts               // filter of names' keys
	sectionHostTable           // table of names' keys
	sectionNameTails           // filter of the last bytes of names; empty when it is not worth asking
	sectionTails               // filter of the last four bytes of anchor words
	sectionLetters             // wordLetters of anchor words
	sectionWords               // filter of anchor words' keys
	sectionWordTable           // table of anchor words' keys
	sectionAnchors             // slots of anchor words: the first phrase that has it
	sectionPhrases             // phraseBytes each, see phrase
	sectionLogins              // slots of accounts and AD domains: a phrase
	sections
)

const termBytes = 12

// kinds are the term kinds by their number in an image.
var kinds = append([]risk.TermKind{termIPv6}, risk.TermKinds...)

func kindNumber(kind risk.TermKind) byte {
	for i, k := range kinds {
		if k == kind {
			return byte(i)
		}
	}
	return math.MaxUint8
}

func word32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteTo writes the saved form, which Load reads.
func (s *Scanner) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(s.image)
	if err != nil {
		return int64(n), fmt.Errorf("write compiled watchlist: %w", err)
	}
	return int64(n), nil
}

// Saved reports whether data begins like the saved form of a compiled watchlist.
func Saved(data []byte) bool {
	return len(data) >= len(magic) && string(data[:len(magic)]) == magic
}

// Load gives the scanner whose saved form data is. It works on data itself, which must not change while the scanner is
// in use. Data that is damaged or of another version is an error.
func Load(data []byte) (*Scanner, error) {
	if err := checkHeader(data); err != nil {
		return nil, fmt.Errorf("load compiled watchlist: %w", err)
	}
	s, err := open(data)
	if err == nil {
		err = s.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("load compiled watchlist: %w", err)
	}
	return s, nil
}

var errDamaged = errors.New("it is damaged")

func checkHeader(data []byte) error {
	if !Saved(data) {
		return errors.New("it is no compiled watchlist")
	}
	if len(data) < headerBytes {
		return errDamaged
	}
	if v := binary.LittleEndian.Uint32(data[8:]); v != imageVersion {
		return fmt.Errorf("it is of version %d, this program reads version %d: compile the watchlist again", v, imageVersion)
	}
	if binary.LittleEndian.Uint64(data[16:]) != uint64(len(data)) || binary.LittleEndian.Uint32(data[sumAt:]) != crc32.Checksum(data[sumAt+4:], castagnoli) {
		return errDamaged
	}
	return nil
}

// open lays a scanner over an image whose header is sound.
func open(image []byte) (*Scanner, error) {
	s := &Scanner{image: image}
	var part [sections][]byte
	for i := range part {
		off := binary.LittleEndian.Uint64(image[sectionsAt+16*i:])
		size := binary.LittleEndian.Uint64(image[sectionsAt+16*i+8:])
		if off > uint64(len(image)) || size > uint64(len(image))-off {
			return nil, errDamaged
		}
		part[i] = image[off : off+size : off+size]
	}
	param := func(i int) int { return int(word32(image[paramsAt:], i)) }
	s.records, s.ids, s.text, s.lists = part[sectionTerms], part[sectionIDs], part[sectionText], part[sectionLists]
	s.suppliers, s.supplierText = part[sectionSuppliers], part[sectionSupplierText]
	s.exact = names{slots: part[sectionExact]}
	s.alike = names{slots: part[sectionAlike], also: part[sectionExact]}
	s.addresses = ranges{s: s, names: names{slots: part[sectionRanges]}, lengths: part[sectionLengths]}
	s.hostKeys = keySet{filter: part[sectionHosts], table: part[sectionHostTable]}
	s.wordKeys = keySet{filter: part[sectionWords], table: part[sectionWordTable]}
	s.tails, s.phrases, s.anchors, s.logins = part[sectionTails], part[sectionPhrases], part[sectionAnchors], part[sectionLogins]
	s.maxLabels, s.longest, s.useTails = param(paramLabels), param(paramLongest), param(paramTails) == 1
	s.shortNames = param(paramShortNames) == 1
	for _, n := range s.addresses.lengths {
		s.addresses.v4 = s.addresses.v4 || n >= lengthIPv4
	}
	for _, set := range []*keySet{&s.hostKeys, &s.wordKeys} {
		blocks := len(set.filter) / 8
		if blocks < 2 || len(set.filter)%8 != 0 || bits.OnesCount(uint(blocks)) != 1 {
			return nil, errDamaged
		}
		set.shift = uint(64 - bits.TrailingZeros(uint(blocks)))
	}
	s.nameTails = openNameTails(part[sectionNameTails], param(paramNameTail))
	if words := len(s.nameTails.words) / 8; words != 0 && (words < 2 || bits.OnesCount(uint(words)) != 1 || s.nameTails.last < 6 || s.nameTails.last > 8) {
		return nil, errDamaged
	}
	shortest, letters := param(paramShortest), part[sectionLetters]
	if len(s.tails) != tailBytes || len(letters) != len(wordLetters{}) || shortest < 1 || shortest > 4 {
		return nil, errDamaged
	}
	if s.words() {
		s.wordEnd = newWordEnd(shortest, letters)
	}
	s.pool.New = func() any { return new(cursor) }
	return s, nil
}

// validate holds everything in the image that points somewhere to its bounds, so that nothing has to be looked at
// again in the course of a scan.
func (s *Scanner) validate() error {
	terms, phrases := len(s.records)/termBytes, len(s.phrases)/phraseBytes
	sound := len(s.records)%termBytes == 0 && len(s.phrases)%phraseBytes == 0 && terms < listBit &&
		(len(s.ids) == 0 || len(s.ids) == 16*terms)
	for _, part := range [][]byte{s.suppliers, s.lists, s.exact.slots, s.alike.slots, s.addresses.names.slots, s.anchors, s.logins, s.hostKeys.table, s.wordKeys.table} {
		sound = sound && len(part)%4 == 0
	}
	if !sound || !s.validText(terms) {
		return errDamaged
	}
	for _, part := range [][]byte{s.exact.slots, s.alike.slots, s.addresses.names.slots} {
		if !s.validNames(part, terms) {
			return errDamaged
		}
	}
	for i := range phrases {
		if p := s.phraseRecord(i); !p.valid(s, i == phrases-1) {
			return errDamaged
		}
	}
	for _, part := range [][]byte{s.anchors, s.logins} {
		for i := range len(part) / 4 {
			if v := word32(part, i); v != noSlot && int(v) >= phrases {
				return errDamaged
			}
		}
	}
	for _, n := range s.addresses.lengths {
		if n > lengthIPv4+32 {
			return errDamaged
		}
	}
	return nil
}

func (s *Scanner) validText(terms int) bool {
	last := uint32(0)
	for i := range len(s.suppliers) / 4 {
		end := word32(s.suppliers, i)
		if end < last || int(end) > len(s.supplierText) {
			return false
		}
		last = end
	}
	for i := range terms {
		t := s.record(i)
		if t.kind < 1 || int(t.kind) >= len(kinds) || int(t.supplier) >= len(s.suppliers)/4 || int(t.value)+int(t.size) > len(s.text) {
			return false
		}
	}
	return true
}

func (s *Scanner) validNames(slots []byte, terms int) bool {
	for i := range len(slots) / 4 {
		switch v := word32(slots, i); {
		case v == noSlot:
		case v&listBit == 0:
			if int(v) >= terms {
				return false
			}
		default:
			if !s.validList(int(v&^listBit), terms) {
				return false
			}
		}
	}
	return true
}

func (s *Scanner) validList(at, terms int) bool {
	n := len(s.lists) / 4
	if at+listHead > n {
		return false
	}
	off, size, count := word32(s.lists, at), word32(s.lists, at+1), word32(s.lists, at+2)
	if uint64(off)+uint64(size) > uint64(len(s.text)) || count == 0 || uint64(at+listHead)+uint64(count) > uint64(n) {
		return false
	}
	for i := range int(count) {
		if int(word32(s.lists, at+listHead+i)) >= terms {
			return false
		}
	}
	return true
}

// termRecord is a watch term as it stands in the image.
type termRecord struct {
	value, supplier uint32 // where its text begins; the number of its supplier's name
	size, kind      byte
}

func (s *Scanner) record(i int) termRecord {
	b := s.records[termBytes*i : termBytes*i+termBytes]
	return termRecord{value: word32(b, 0), supplier: word32(b, 1), size: b[8], kind: b[9]}
}

func (t termRecord) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, t.value)
	b = binary.LittleEndian.AppendUint32(b, t.supplier)
	return append(b, t.size, t.kind, 0, 0)
}

// value is the text of a term.
func (s *Scanner) value(i int) []byte {
	t := s.record(i)
	return s.text[t.value : t.value+uint32(t.size)]
}

// Term gives the watch term that a hit's Term stands for.
func (s *Scanner) Term(i int) risk.WatchTerm {
	r := s.record(i)
	t := risk.WatchTerm{Kind: kinds[r.kind], Value: string(s.value(i)), Supplier: s.supplierName(int(r.supplier))}
	if len(s.ids) > 0 {
		t.ID = int64(binary.LittleEndian.Uint64(s.ids[16*i:]))
		t.SupplierID = int64(binary.LittleEndian.Uint64(s.ids[16*i+8:]))
	}
	return t
}

// Terms is how many watch terms there are.
func (s *Scanner) Terms() int { return len(s.records) / termBytes }

func (s *Scanner) supplierName(i int) string {
	start := uint32(0)
	if i > 0 {
		start = word32(s.suppliers, i-1)
	}
	return string(s.supplierText[start:word32(s.suppliers, i)])
}
