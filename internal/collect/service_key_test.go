package collect

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Ports keep tests from reaching a second host over the wire, so the headers themselves are looked at.
func TestKeysStayWithTheSourcesOwnHost(t *testing.T) {
	home := &url.URL{Scheme: "https", Host: "api.service.example"}
	terms := apiTerms{service: services["gists"], known: true, value: "Bearer secret"}
	for at, want := range map[string]string{
		"https://api.service.example/gists": "Bearer secret", "https://raw.service.example/gists": "", "http://api.service.example/gists": "", "https://api.service.example:444/": "",
	} {
		req := httptest.NewRequest(http.MethodGet, at, nil)
		terms.dress(req, home)
		if got := req.Header.Get("Authorization"); got != want {
			t.Errorf("%s: key %q, want %q", at, got, want)
		}
	}
}
