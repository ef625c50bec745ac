package dump_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/dump"
)

// commented is a zip with a comment of its own.
func commented(s, comment string) string {
	end := strings.LastIndex(s, "PK\x05\x06")
	return s[:end+20] + string(binary.LittleEndian.AppendUint16(nil, uint16(len(comment)))) + comment
}

// mixed is a zip with members in the clear and then the entries of another zip as they are.
func mixed(t *testing.T, sealed string, members ...member) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := zip.NewReader(strings.NewReader(sealed), int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAPasswordIsFoundWhereItIsTold(t *testing.T) {
	sealed := fixture(t, "AES256-stored.zip")
	seven, rar := fixture(t, "AES-headers.7z"), string(rar5Sealed(t, member{"short.txt", shortText}, password, 6, true))
	for name, files := range map[string]map[string]string{
		"file name":                 {"dump_[pass=open-sesame].zip": sealed},
		"file name, in words":       {"logs 2024 (password open-sesame).zip": sealed},
		"comment":                   {"x.zip": commented(sealed, "t.example/channel\r\nPASS: open-sesame\r\n")},
		"password.txt":              {"x.zip": sealed, "password.txt": "open-sesame\n"},
		"README beside":             {"x.7z": seven, "README.txt": "Unpack with 7-Zip.\nPassword - \"open-sesame\"\n"},
		"text beside, in Russian":   {"x.rar": rar, "readme.txt": "Пароль: open-sesame"},
		"text inside":               {"x.zip": mixed(t, sealed, member{"zz/readme.txt", "the password is open-sesame\n"})},
		"text inside, after it":     {"x.zip": mixed(t, sealed, member{"a.txt", "nothing\n"}, member{"!info.txt", "pwd -> open-sesame"})},
		"in the archive around it":  {"x.zip": string(zipped(t, member{"pass.txt", "open-sesame"}, member{"in.7z", seven}))},
		"name inside another one":   {"x.zip": string(zipped(t, member{"in (pass=open-sesame).rar", rar}))},
		"given, behind wrong hints": {"x.zip": sealed, "readme.txt": "password: wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			o := dump.Options{}
			if strings.HasPrefix(name, "given") {
				o.Passwords = []string{"also wrong", "open-sesame"}
			}
			docs, skipped := read(t, folder(t, files), o)
			if len(skipped) > 0 || !slices.ContainsFunc(docs, func(d doc) bool { return strings.HasSuffix(d.entry, "short.txt") && d.text == shortText }) {
				t.Errorf("read %.200q, skipped %q", docs, skipped)
			}
		})
	}
}

func TestAWrongPasswordBringsNothing(t *testing.T) {
	var wrong []string
	for i := range 3000 {
		wrong = append(wrong, fmt.Sprint("guess", i))
	}
	files := map[string]string{}
	for _, name := range []string{"ZipCrypto.zip", "ZipCrypto-stored.zip", "ZipCrypto-streamed.zip"} {
		files[name] = fixture(t, name)
	}
	docs, skipped := read(t, folder(t, files), dump.Options{Passwords: wrong})
	want := []string{
		"ZipCrypto-stored.zip:short.txt: it is encrypted; no password fits", "ZipCrypto-streamed.zip:-: it is encrypted; no password fits",
		"ZipCrypto.zip:logins.txt: it is encrypted; no password fits", "ZipCrypto.zip:short.txt: it is encrypted; no password fits",
	}
	if len(docs) > 0 || !slices.Equal(skipped, want) {
		t.Errorf("read %.200q\nskipped %q", docs, skipped)
	}
}

func TestEncryptedEntriesOfABrokenZipAreRead(t *testing.T) {
	logins := loginsText()
	for _, name := range []string{"AES256.zip", "AES128.zip", "ZipCrypto.zip", "ZipCrypto-streamed.zip"} {
		s := fixture(t, name)
		dir := folder(t, map[string]string{"x": s[:strings.Index(s, "PK\x01\x02")]})
		docs, skipped := read(t, dir, dump.Options{Passwords: []string{"wrong", password}})
		want := []doc{{"x", "logins.txt", logins}, {"x", "short.txt", shortText}}
		if strings.Contains(name, "streamed") {
			want = []doc{{"x", "-", logins}}
		}
		if !slices.Equal(docs, want) || !slices.Equal(skipped, []string{"x: zip: not a valid zip file"}) {
			t.Errorf("%s: read %.300q, skipped %q", name, docs, skipped)
		}
	}
}

// A key of AES-256 in a zip takes four blocks of 1 000 rounds.
const zipKeyRounds = 4000

func TestWhatOpenedTheLastEntryIsTriedFirst(t *testing.T) {
	wrong := make([]string, 40)
	for i := range wrong {
		wrong[i] = fmt.Sprint("guess", i)
	}
	dir := folder(t, map[string]string{"x": fixture(t, "AES256.zip")})
	o := dump.Options{Passwords: append(slices.Clone(wrong), password), MaxRounds: (len(wrong) + 5) * zipKeyRounds}
	if docs, skipped := read(t, dir, o); len(docs) != 2 || len(skipped) > 0 {
		t.Errorf("read %d documents, skipped %q", len(docs), skipped)
	}
	o.MaxRounds = 10 * zipKeyRounds
	docs, skipped := read(t, dir, o)
	const why = ": it is encrypted; no password was found before as many as this file may cost were tried"
	if len(docs) > 0 || !slices.Equal(skipped, []string{"x:logins.txt" + why, "x:short.txt" + why}) {
		t.Errorf("read %d documents, skipped %q", len(docs), skipped)
	}
}

// The password is tried on the shortest file; the others are in front of it and behind it in the same packed stream.
func TestAllOfASealedStreamIsRead(t *testing.T) {
	docs, skipped := read(t, folder(t, map[string]string{"x": fixture(t, "AES-solid.7z")}), dump.Options{Passwords: []string{"wrong", "sesame-7"}}) // the shorter ones are special
	var a strings.Builder
	for i := range 60 {
		fmt.Fprintf(&a, "user%d@clinic.example:pw%d\n", i, i)
	}
	want := []doc{{"x", "a.txt", a.String()}, {"x", "b.txt", "short\n"}, {"x", "c.txt", "last line\n"}}
	if !slices.Equal(docs, want) || len(skipped) > 0 {
		t.Errorf("read %.300q, skipped %q", docs, skipped)
	}
}

func TestACodeThatDoesNotFitIsTold(t *testing.T) {
	s := fixture(t, "AES256.zip")
	end := strings.Index(s[10:], "PK\x03\x04") + 10
	docs, skipped := read(t, folder(t, map[string]string{"x": s[:end-5] + flip(s[end-5:end]) + s[end:]}), dump.Options{Passwords: []string{password}})
	if len(docs) != 1 || docs[0].entry != "short.txt" || !slices.Equal(skipped, []string{"x:logins.txt: it is encrypted; no password fits"}) {
		t.Errorf("read %.100q, skipped %q", docs, skipped)
	}
}

func TestKeysThatTakeForEverAreNotTried(t *testing.T) {
	const aes = "\x24\x06\xf1\x07\x01\x02\x66\x00" // AES with 2^38 rounds
	sealed := rar5Sealed(t, member{"a.txt", shortText}, password, 6, false)
	at := bytes.Index(sealed, append([]byte{1, 0, 1, 6}, rarSalt...))
	sealed[at+3] = 24 // and its header's checksum
	header := bytes.Index(sealed, []byte("\x02\x03"))
	length := int(sealed[header-1])
	copy(sealed[header-5:], le32(crc(sealed[header-1:header+length])))
	dir := folder(t, map[string]string{
		"a.7z":  string(sevenZippedBy(member{"a", "0123456789abcdef"}, aes)),
		"b.rar": string(sealed),
	})
	docs, skipped := read(t, dir, dump.Options{Passwords: []string{"wrong", password}})
	want := []string{"a.7z:a: it is encrypted; its keys take more rounds than one file may cost"}
	if len(docs) > 0 || len(skipped) != 2 || skipped[0] != want[0] || !strings.HasPrefix(skipped[1], "b.rar:a.txt: it is encrypted; ") {
		t.Errorf("read %q, skipped %q", docs, skipped)
	}
}

func TestPasswordsAreReadFromAFile(t *testing.T) {
	dir := folder(t, map[string]string{"list": "\ufeffopen-sesame\r\n\n with spaces \n#1\nlast"})
	got, err := dump.ReadPasswords(filepath.Join(dir, "list"))
	if want := []string{"open-sesame", " with spaces ", "#1", "last"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("read %q, error %v", got, err)
	}
	if got, err := dump.ReadPasswords(""); got != nil || err != nil {
		t.Errorf("without a file: %q, error %v", got, err)
	}
	if _, err := dump.ReadPasswords(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
