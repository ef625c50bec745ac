package dump

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what the format demands
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
)

// Entries of a zip are encrypted in one of two ways. The newer one, AE-1 and AE-2, is AES in counter mode with a key of
// 1 000 rounds and a code over the packed bytes at their end; a wrong password shows by two bytes, or else by the code.
// The old one is a weak stream cipher, where a wrong password shows by one byte only, and then by what comes out.

// aesSeal is what the extra field of an entry says: how long the key is, and the method below the encryption.
type aesSeal struct {
	method  uint16
	keySize int
	withCRC bool // AE-1: the checksum of the text is kept too
}

func readAESSeal(field []byte) *aesSeal {
	if len(field) < 7 || string(field[2:4]) != "AE" || field[4] < 1 || field[4] > 3 {
		return nil
	}
	le := binary.LittleEndian
	return &aesSeal{method: le.Uint16(field[5:]), keySize: 8 + 8*int(field[4]), withCRC: le.Uint16(field) == 1}
}

const (
	aesMethod     = 99
	aesRounds     = 1000
	aesCheckBytes = 2
	aesCodeBytes  = 10
)

func (s *aesSeal) saltSize() int { return s.keySize / 2 }

// overhead is what stands before and after the packed bytes.
func (s *aesSeal) overhead() int64 { return int64(s.saltSize() + aesCheckBytes + aesCodeBytes) }

// keyRounds is what one try of a password costs: four blocks of output, for the longest key.
func (s *aesSeal) keyRounds() int64 {
	return int64(2*s.keySize+aesCheckBytes+sha1.Size-1) / sha1.Size * aesRounds
}

// open makes a reader of the packed bytes, or nil when the password is wrong for certain. head is salt and check bytes;
// sealed is the rest of known length.
func (s *aesSeal) open(password string, head []byte, sealed io.Reader, length int64) io.Reader {
	salt, check := head[:s.saltSize()], head[s.saltSize():]
	key, err := pbkdf2.Key(sha1.New, password, salt, aesRounds, 2*s.keySize+aesCheckBytes)
	if err != nil || !bytes.Equal(key[2*s.keySize:], check) {
		return nil
	}
	block, err := aes.NewCipher(key[:s.keySize])
	if err != nil {
		return nil
	}
	return &aesReader{in: sealed, left: length - s.overhead(), ctr: newLittleCTR(block), code: hmac.New(sha1.New, key[s.keySize:2*s.keySize])}
}

// aesReader opens the bytes as they are read, and compares the code at their end.
type aesReader struct {
	in   io.Reader
	left int64
	ctr  *littleCTR
	code hash.Hash
	end  error // what the end of it was; nil = not reached
}

var errSealBroken = errors.New("its bytes are not those that were encrypted")

func (r *aesReader) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, r.finish()
	}
	n, err := r.in.Read(b[:min(int64(len(b)), r.left)])
	r.code.Write(b[:n])
	r.ctr.xor(b[:n])
	r.left -= int64(n)
	if errors.Is(err, io.EOF) && r.left > 0 {
		err = io.ErrUnexpectedEOF
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (r *aesReader) finish() error {
	if r.end != nil {
		return r.end
	}
	var code [aesCodeBytes]byte
	switch _, err := io.ReadFull(r.in, code[:]); {
	case err != nil:
		r.end = io.ErrUnexpectedEOF
	case !hmac.Equal(code[:], r.code.Sum(nil)[:aesCodeBytes]):
		r.end = errSealBroken
	default:
		r.end = io.EOF
	}
	return r.end
}

// littleCTR is counter mode with a counter that grows from its first byte on, unlike the usual one. Whole runs of
// counters are encrypted at once.
type littleCTR struct {
	block   cipher.Block
	counter uint64
	stream  [64 * aes.BlockSize]byte
	used    int
}

func newLittleCTR(b cipher.Block) *littleCTR {
	c := &littleCTR{block: b}
	c.used = len(c.stream)
	return c
}

func (c *littleCTR) xor(b []byte) {
	for len(b) > 0 {
		if c.used == len(c.stream) {
			c.refill()
		}
		n := min(len(b), len(c.stream)-c.used)
		for i, k := range c.stream[c.used : c.used+n] {
			b[i] ^= k
		}
		c.used += n
		b = b[n:]
	}
}

func (c *littleCTR) refill() {
	for i := 0; i < len(c.stream); i += aes.BlockSize {
		c.counter++
		at := c.stream[i : i+aes.BlockSize]
		binary.LittleEndian.PutUint64(at, c.counter)
		clear(at[8:])
		c.block.Encrypt(at, at)
	}
	c.used = 0
}

// zipCrypto is the old cipher: three words of state, fed with every byte of plain text.
type zipCrypto struct{ a, b, c uint32 }

const zipCryptoHead = 12

func newZipCrypto(password string) zipCrypto {
	z := zipCrypto{0x12345678, 0x23456789, 0x34567890}
	for i := range len(password) {
		z.feed(password[i])
	}
	return z
}

func (z *zipCrypto) feed(plain byte) {
	z.a = crc32.IEEETable[byte(z.a)^plain] ^ z.a>>8
	z.b = (z.b+z.a&0xff)*134775813 + 1
	z.c = crc32.IEEETable[byte(z.c)^byte(z.b>>24)] ^ z.c>>8
}

func (z *zipCrypto) open(b []byte) {
	for i, sealed := range b {
		t := z.c | 2
		plain := sealed ^ byte(t*(t^1)>>8)
		z.feed(plain)
		b[i] = plain
	}
}

// openHead takes the random bytes before the packed ones and compares the last of them, which is from the checksum or,
// where that was not known yet, from the time.
func (z *zipCrypto) openHead(head [zipCryptoHead]byte, e *zipEntry) bool {
	z.open(head[:])
	if e.flags&8 != 0 {
		return head[zipCryptoHead-1] == byte(e.time>>8)
	}
	return head[zipCryptoHead-1] == byte(e.crc>>24)
}

type zipCryptoReader struct {
	in  io.Reader
	key zipCrypto
}

func (r *zipCryptoReader) Read(b []byte) (int, error) {
	n, err := r.in.Read(b)
	r.key.open(b[:n])
	return n, err
}
