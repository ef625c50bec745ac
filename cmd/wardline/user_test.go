package main

import (
	"bytes"
	"strings"
	"testing"
)

// wardline runs a command line as a person would, in a folder of its own.
func wardline(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetIn(strings.NewReader(input))
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestUsersAndTheirPasswords(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("WARDLINE_LOG_LEVEL", "error")
	for _, c := range []struct {
		input string
		args  []string
		want  string // in what is printed, or in the error
	}{
		{"invented password one\n", []string{"user", "add", "Ana@hospital.example", "--role", "ciso"}, "added ana@hospital.example as ciso"},
		{"invented password one\n", []string{"user", "add", "ana@hospital.example"}, "has an account already"},
		{"invented password one\n", []string{"user", "add", "bo@hospital.example", "--role", "king"}, "is not a role"},
		{"invented password one\n", []string{"user", "add", "no address"}, "is not an e-mail address"},
		{"short\n", []string{"user", "add", "bo@hospital.example"}, "needs 12 to 256 characters"},
		{"invented password two\n", []string{"user", "password", "ANA@hospital.example"}, "ana@hospital.example has a new password"},
		{"invented password two\n", []string{"user", "password", "bo@hospital.example"}, "nobody has the address bo@hospital.example"},
		{"short\n", []string{"user", "password", "ana@hospital.example"}, "needs 12 to 256 characters"},
	} {
		out, err := wardline(t, c.input, c.args...)
		if err != nil {
			out += err.Error()
		}
		if !strings.Contains(out, c.want) || strings.Contains(out, "invented") {
			t.Errorf("%v: %q, want %q", c.args, out, c.want)
		}
	}
	before := passwordHash(t)
	if _, err := wardline(t, "invented password three\n", "user", "password", "ana@hospital.example"); err != nil {
		t.Fatal(err)
	}
	if passwordHash(t) == before {
		t.Error("the password is still the old one")
	}
}

func passwordHash(t *testing.T) (hash string) {
	t.Helper()
	err := withStore(t.Context(), func(a *app) error {
		user, err := a.store.FindUserByEmail(t.Context(), "ana@hospital.example")
		hash = user.PasswordHash
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
