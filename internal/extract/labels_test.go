package extract_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

func TestLabelBlocks(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ name, text, want string }{
		{"RedLine", "URL: https://portal.lab.example/login\nUsername: jdoe\nPassword: pa:ss\nApplication: Google_[Chrome]_Default\n===============\nURL: https://other.test/\nUsername: x\nPassword: y\n",
			"stealer_log customer jdoe|pa:ss@portal.lab.example"},
		{"Lumma", "SOFT: Chrome Default (120.0)\nURL: https://portal.lab.example/\nUSER: jdoe@lab.example\nPASS: secret1\n\n",
			"stealer_log employee jdoe@lab.example|secret1@portal.lab.example"},
		{"Vidar", "Soft: Chrome [Default]\r\nHost: https://other.test/\r\nLogin: jdoe@lab.example\r\nPassword: secret1\r\n\r\n\r\n",
			"stealer_log third_party jdoe@lab.example|secret1@other.test"},
		{"StealC", "browser: Chrome\nprofile: Default\nurl: https://portal.lab.example/\nlogin: jdoe\npassword: secret1\n",
			"stealer_log customer jdoe|secret1@portal.lab.example"},
		{"Raccoon without blank lines", "URL: https://a.test/\nUSER: a\nPASS: 1\nURL: https://portal.lab.example/\nUSER: jdoe\nPASS: 2\nURL: https://b.test/\nUSER: b\nPASS: 3\n",
			"stealer_log customer jdoe|2@portal.lab.example"},
		{"leet", "UR1: https://portal.lab.example/\nU53RN4M3: jdoe\nP455W0RD: secret1\n",
			"stealer_log customer jdoe|secret1@portal.lab.example"},
		{"header", "[\"Chrome\" = \"Default\"]\nHostname: portal.lab.example\nUSER LOGIN: jdoe\nUSER PASSWORD: secret1\n",
			"stealer_log customer jdoe|secret1@portal.lab.example"},
		{"AD login", "URL: https://sso.other.test\nUsername: STMARY\\jdoe\nPassword: secret1\n",
			`stealer_log third_party STMARY\jdoe|secret1@sso.other.test`},
		{"placeholders", "URL: https://portal.lab.example/\nUsername: jdoe\nPassword: UNKNOWN\n",
			"stealer_log customer jdoe|@portal.lab.example"},
		{"no account", "URL: https://portal.lab.example/\nUsername: UNKNOWN\nPassword: secret1\n",
			"stealer_log customer |secret1@portal.lab.example"},
		{"nothing in it", "URL: https://portal.lab.example/\nUsername: UNKNOWN\nPassword: \n", "mention"},
		{"password over lines", "URL: https://portal.lab.example/\nUsername: jdoe\nPassword: line one\nline two\nApplication: Chrome\n",
			"stealer_log customer jdoe|line one\nline two@portal.lab.example"},
		{"seller", "Seller: t.me/nobody\nURL: https://portal.lab.example/\nUsername: jdoe\nPassword: secret1\nFree Logs: t.me/nobody\n",
			"stealer_log customer jdoe|secret1@portal.lab.example"},
		{"banner", "*****\n*  logs by nobody  *\n*****\nURL: https://portal.lab.example/\nUsername: jdoe\nPassword: secret1\n*  logs by nobody  *\n",
			"stealer_log customer jdoe|secret1@portal.lab.example"},
		{"two blocks", "URL: https://portal.lab.example/\nUsername: a\nPassword: secret1\n\nURL: https://portal.lab.example/\nUsername: b\nPassword: secret2\n",
			"stealer_log customer a|secret1@portal.lab.example; stealer_log customer b|secret2@portal.lab.example"},
		{"a list above", "asmith@lab.example:secret1\nURL: https://portal.lab.example/\nUsername: jdoe\nPassword: secret2\n",
			"combolist employee asmith@lab.example|secret1@; stealer_log customer jdoe|secret2@portal.lab.example"},
		{"a list below", "URL: https://portal.lab.example/\nUsername: jdoe\nPassword: secret1\nasmith@lab.example:secret2\nhttps://lab.example/:bjones:secret3\n",
			"stealer_log customer jdoe|secret1@portal.lab.example; combolist employee asmith@lab.example|secret2@; ulp customer bjones|secret3@lab.example"},
		{"a cookie below", "URL: https://portal.lab.example/\nUsername: jdoe\nPassword: secret1\n.lab.example\tTRUE\t/\tTRUE\t0\tsid\tabc\n",
			"stealer_log customer jdoe|secret1@portal.lab.example; stealer_log - |abc@lab.example"},
		{"a word and a colon", "Host: portal.lab.example\nsomething else\n", "mention"},
	} {
		if got := briefs(read(s, fromFile(c.text))); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestMachineFactsOfTheSameBlockOnly(t *testing.T) {
	text := "IP: 198.51.100.9\nCountry: XX\n\nSOFT: Chrome\nprofile: Default\nURL: https://portal.lab.example/\nUSER: jdoe\nPASS: secret1\nHWID: AB12\nLog date: 2/1/2026 3:00:00 PM\n\n"
	found := read(scanner(t), fromFile(text))
	want := []risk.Fact{{Name: "software", Value: "Chrome"}, {Name: "profile", Value: "Default"}, {Name: "hwid", Value: "AB12"}, {Name: "infected", Value: "2026-02-01T15:00:00Z"}}
	if len(found) != 1 || !slices.Equal(found[0].Facts, want) {
		t.Errorf("got %+v, want facts %v", found, want)
	}
}

// Without separators, and with its beginning far out of sight, a block's records keep their own passwords.
func TestLongRunOfRecords(t *testing.T) {
	var b strings.Builder
	for range 100 {
		b.WriteString("URL: https://before.test/\nUSER: a\nPASS: no\n")
	}
	b.WriteString("URL: https://this.test/\nUSER: jdoe@lab.example\nPASS: yes\n")
	for range 100 {
		b.WriteString("URL: https://after.test/\nUSER: a\nPASS: no\n")
	}
	if got, want := briefs(read(scanner(t), fromFile(b.String()))), "stealer_log third_party jdoe@lab.example|yes@this.test"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// In a post, what follows a password without a blank line is text.
func TestPasswordInAPostEndsWithItsLine(t *testing.T) {
	b := fromFile("URL: https://portal.lab.example/\nUsername: jdoe\nPassword: secret1\nenjoy it")
	b.Source = risk.SourceForum
	if got, want := briefs(read(scanner(t), b)), "stealer_log customer jdoe|secret1@portal.lab.example"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
