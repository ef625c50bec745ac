package seal

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func TestSessionsOpenForTheirSourceOnly(t *testing.T) {
	keys, err := Open(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := risk.SourceSession{Refused: "ab12", Cookies: []risk.Cookie{
		{Host: "forum.example", Below: true, Path: "/", Name: "sid", Value: risk.NewSecret(risk.SecretCookieValue, "canary-value"),
			Expires: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), Secure: true},
		{Host: "forum.example", Path: "/board", Name: "seen"},
	}}
	sealed, err := keys.SealSession(7, want)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("canary-value")) {
		t.Error("the value of a cookie stands in clear")
	}
	got, err := keys.OpenSession(7, sealed)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("opened %+v, %v; want %+v", got, err, want)
	}
	if _, err := keys.OpenSession(8, sealed); err == nil {
		t.Error("another source opened it")
	}
	if empty, err := keys.OpenSession(7, nil); err != nil || !empty.Empty() {
		t.Errorf("nothing was sealed, %+v came out, %v", empty, err)
	}
}
