package store

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// stamp is a time in a column: whole microseconds since 1970 UTC, NULL for the zero time. Both databases compare,
// sort and subtract it the same way.
type stamp struct{ time.Time }

func at(t time.Time) stamp { return stamp{t} }

func atPtr(t *time.Time) stamp {
	if t == nil {
		return stamp{}
	}
	return stamp{*t}
}

func (s stamp) ptr() *time.Time {
	if s.IsZero() {
		return nil
	}
	t := s.Time
	return &t
}

// GormDataType keeps gorm from taking a stamp for its own kind of time.
func (stamp) GormDataType() string { return "int" }

func (s stamp) Value() (driver.Value, error) { return s.value(), nil }

func (s stamp) value() any {
	if s.IsZero() {
		return nil
	}
	return s.UnixMicro()
}

func (s *stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		s.Time = time.Time{}
	case int64:
		s.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("read time: column holds %T", src)
	}
	return nil
}

// ref is the id of another row; 0 is NULL.
type ref int64

// GormDataType says what the column holds.
func (ref) GormDataType() string { return "int" }

func (r ref) Value() (driver.Value, error) { return r.value(), nil }

func (r ref) value() any {
	if r == 0 {
		return nil
	}
	return int64(r)
}

func (r *ref) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*r = 0
	case int64:
		*r = ref(v)
	default:
		return fmt.Errorf("read id: column holds %T", src)
	}
	return nil
}

// doc is a value kept as JSON.
type doc[T any] struct{ v T }

func docOf[T any](v T) doc[T] { return doc[T]{v} }

// GormDataType says what the column holds.
func (doc[T]) GormDataType() string { return "json" }

func (d doc[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(d.v)
	if err != nil {
		return nil, fmt.Errorf("write JSON column: %w", err)
	}
	return string(b), nil
}

func (d *doc[T]) Scan(src any) error {
	var b []byte
	switch v := src.(type) {
	case string:
		b = []byte(v)
	case []byte:
		b = v
	default:
		return fmt.Errorf("read JSON column: it holds %T", src)
	}
	if err := json.Unmarshal(b, &d.v); err != nil {
		return fmt.Errorf("read JSON column: %w", err)
	}
	return nil
}

// clean makes hostile bytes fit for a text column: valid UTF-8 without NUL, which PostgreSQL refuses.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// maxKey is well below the 2 700 bytes that a PostgreSQL index entry holds.
const maxKey = 512

// indexed is a key of any length and any bytes in a form that an index can hold; short ones stay readable. Two keys that
// differ stay apart, also where clean makes them look alike.
func indexed(key string) string {
	readable := clean(key)
	if len(readable) <= maxKey && readable == key {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return strings.ToValidUTF8(readable[:min(len(readable), maxKey-80)], "") + "#sha256:" + hex.EncodeToString(sum[:])
}

var likeReplacer = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// contains is a LIKE pattern for a text that holds s, for a column that was lower-cased; use with ESCAPE '\'.
func contains(s string) string {
	return "%" + likeReplacer.Replace(strings.ToLower(clean(s))) + "%"
}

func limitOr50(n int) int {
	if n <= 0 {
		return 50
	}
	return n
}
