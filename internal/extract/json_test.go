package extract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

func TestObjects(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ name, text, want string }{
		{"a line", `{"email":"jdoe@lab.example","password":"secret1"}`, "json employee jdoe@lab.example|secret1@"},
		{"lines", "{\"mail\":\"a@other.test\",\"pwd\":\"x\"}\n{\"mail\": \"jdoe@lab.example\", \"pwd\": \"secret1\"}\n", "json employee jdoe@lab.example|secret1@"},
		{"password first", `{"pass":"secret1","user":"jdoe@lab.example"}`, "json employee jdoe@lab.example|secret1@"},
		{"many lines", "{\n  \"email\": \"jdoe@lab.example\",\n  \"password\": \"secret1\"\n}\n", "json employee jdoe@lab.example|secret1@"},
		{"an array on one line", "[" + strings.Repeat(`{"email":"a@other.test","hash":"x"},`, 300) + `{"email":"jdoe@lab.example","hash":"y1"}` + strings.Repeat(`,{"email":"b@other.test","hash":"x"}`, 300) + "]",
			"json employee jdoe@lab.example|y1@"},
		{"two of them", `[{"email":"jdoe@lab.example","password":"secret1"},{"email":"asmith@lab.example","password":"secret2"}]`,
			"json employee jdoe@lab.example|secret1@; json employee asmith@lab.example|secret2@"},
		{"mongoexport", `{"_id":{"$oid":"507f1f77bcf86cd799439011"},"at":{"$date":{"$numberLong":"1577836800000"}},"email":"jdoe@lab.example","password":"` + bcrypt + `","tags":["a",{"b":1}]}`,
			"json employee jdoe@lab.example|" + bcrypt + "@"},
		{"wrapped number", `{"email":"jdoe@lab.example","password":{"$numberLong":"12345678"}}`, "json employee jdoe@lab.example|12345678@"},
		{"shell form", `{"_id":ObjectId("507f1f77bcf86cd799439011"),"n":NumberLong(1),"email":"jdoe@lab.example","password":"secret1"}`, "json employee jdoe@lab.example|secret1@"},
		{"number", `{"email":"jdoe@lab.example","password":12345678,"admin":true,"x":null}`, "json employee jdoe@lab.example|12345678@"},
		{"escapes", `{"login":"STMARY\\jdoe","password":"a\"b\u0041\/"}`, `json employee STMARY\jdoe|a"bA/@`},
		{"salt", `{"email":"jdoe@lab.example","hash":"` + md5 + `","salt":"s4lt"}`, "json employee jdoe@lab.example|" + md5 + ":s4lt@"},
		{"password nested", `{"email":"jdoe@lab.example","auth":{"hash":"` + md5 + `","salt":"s4lt"}}`, "json employee jdoe@lab.example|" + md5 + ":s4lt@"},
		{"bcrypt under its own name", `{"email":"jdoe@lab.example","services":{"bcrypt":"` + bcrypt + `"}}`, "json employee jdoe@lab.example|" + bcrypt + "@"},
		{"account nested", `{"user":{"email":"jdoe@lab.example","name":"x"},"password":"secret1"}`, "json employee jdoe@lab.example|secret1@"},
		{"by name", `{"users":{"1":{"email":"jdoe@lab.example","password":"secret1"},"2":{"email":"b@other.test","password":"x"}}}`, "json employee jdoe@lab.example|secret1@"},
		{"host", `{"url":"https://vpn.hospital.example/login","username":"jdoe","password":"secret1"}`, "json customer jdoe|secret1@vpn.hospital.example"},
		{"keys without quotes", `users = [{id: 1, email: 'a@other.test', password: 'x'}, { id: 2, $e_mail: 'jdoe@lab.example', password: "secret1", }]`, "json employee jdoe@lab.example|secret1@"},
		{"an address of several", `{"login":{"uris":[{"match":null,"uri":"https://vpn.hospital.example/login"}],"username":"jdoe","password":"secret1"}}`, "json customer jdoe|secret1@vpn.hospital.example"},
		{"another's salt", `{"email":"jdoe@lab.example","hash":"` + md5 + `","cookie":{"salt":"s4lt"}}`, "json employee jdoe@lab.example|" + md5 + "@"},
		// in doubt
		{"password two levels down", `{"email":"jdoe@lab.example","a":{"b":{"password":"secret1"}}}`, "mention"},
		{"no password", `{"email":"jdoe@lab.example","name":"Jane"}`, "mention"},
		{"empty password", `{"email":"jdoe@lab.example","password":""}`, "mention"},
		{"gravatar", `{"email":"jdoe@lab.example","gravatar":"` + md5 + `"}`, "mention"},
		{"another account's password", `{"email":"jdoe@lab.example","database":{"user":"root","password":"secret1"}}`, "mention"},
		{"two accounts", `{"a":{"email":"jdoe@lab.example"},"b":{"email":"asmith@lab.example"},"password":"secret1"}`, "mention"},
		{"address in a text", `{"text":"write to jdoe@lab.example","password":"secret1"}`, "mention"},
		{"neighbour's password", `[{"email":"jdoe@lab.example","password":null},{"email":"b@other.test","password":"secret1"}]`, "mention"},
		{"further up", `{"password":"secret1","a":{"b":{"email":"jdoe@lab.example"}}}`, "mention"},
		{"not closed", `{"email":"jdoe@lab.example","password":"secret1"`, "mention"},
		{"words for values", `{email: "jdoe@lab.example", password: secret}`, "mention"},
		{"masked password", `{"email":"jdoe@lab.example","password":"********"}`, "mention"},
		{"no keys", `{"jdoe@lab.example", "secret1"}`, "mention"},
	} {
		if got := briefs(read(s, fromFile(c.text))); got != c.want {
			t.Errorf("%s: %q\n got %s\nwant %s", c.name, c.text, got, c.want)
		}
	}
}

func TestObjectsAtTheEdge(t *testing.T) {
	s := scanner(t)
	text := []byte(`[{"email":"a@other.test","password":"x"},{"email":"jdoe@lab.example","password":"secret1"},{"email":"b@other.test","password":"y"}]`)
	for border := 1; border < len(text); border++ {
		first := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Trail: len(text) - border}
		second := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Lead: border}
		if got := briefs(append(read(s, first), read(s, second)...)); got != "json employee jdoe@lab.example|secret1@" {
			t.Fatalf("border at %d: %s", border, got)
		}
	}
	for _, cut := range []string{`{"email":"jdoe@lab.example","password":"secr`, `{"email":"jdoe@lab.example","password":"secret1"`, `{"email":"jdoe@lab.example",`} {
		b := fromFile(cut)
		b.Trail = 1
		if got := briefs(read(s, b)); got != "mention" {
			t.Errorf("%s: %s", cut, got)
		}
	}
}

func TestExcerptOfAnObjectIsItsValue(t *testing.T) {
	found := read(scanner(t), fromFile(`{"people":[{"name":"Jane Roe","note": "left Meridian Lab in spring", "born":"1980"}]}`))
	if len(found) != 1 || found[0].Excerpt != "left Meridian Lab in spring" {
		t.Errorf("got %+v", found)
	}
}

// However many hits a block holds, none of its records is missed.
func TestEveryRowOfABlockIsRead(t *testing.T) {
	s := scanner(t)
	const rows = 5000
	for _, c := range []struct{ name, head, row string }{
		{"INSERT", "INSERT INTO u (id,name,email,pass) VALUES ", "(%d,'x\\'y','user%[1]d@lab.example','secret%[1]d'),(0,NULL,'none@lab.example',NULL),"},
		{"INSERT of long rows", "INSERT INTO u (id,name,email,pass) VALUES ", "(%d,'" + strings.Repeat("x", 1000) + "','user%[1]d@lab.example','secret%[1]d'),\n"},
		{"array", "[", `{"id":%d,"email":"user%[1]d@lab.example","password":"secret%[1]d"},{"email":"none@lab.example","password":null},`},
		{"nested", "{", `"%d":{"id":{"$oid":"1"},"email":"user%[1]d@lab.example","password":"secret%[1]d"},"x":{"email":"none@lab.example","password":null},`},
		{"documents", "", `{"_id":{"$oid":"%d"},"at":{"$date":{"$numberLong":"1"}},"a":{},"email":"user%[1]d@lab.example","password":"secret%[1]d"}` + "\n"},
	} {
		var text strings.Builder
		text.WriteString(c.head)
		for i := range rows {
			fmt.Fprintf(&text, c.row, i)
		}
		read := read(s, fromFile(text.String()))
		credentials := slices.DeleteFunc(read, func(in risk.Indicator) bool { return in.Kind != risk.KindCredential })
		if len(credentials) != rows || credentials[rows-1].Account != "user4999@lab.example" || credentials[rows-1].Secret.Reveal() != "secret4999" {
			t.Errorf("%s: %d of %d rows were read", c.name, len(credentials), rows)
		}
	}
}

// What looks like the beginning of an object again and again costs no more than text does.
func TestHostileNesting(t *testing.T) {
	s := scanner(t)
	read(s, fromFile(strings.Repeat(`{"a":`, 1<<17)+strings.Repeat(`"lab.example",(`, 1<<14)))
	read(s, fromFile(strings.Repeat(`,('lab.example`, 1<<16)+"',"))
}
