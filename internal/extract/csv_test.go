package extract_test

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

func TestCopy(t *testing.T) {
	s := scanner(t)
	const head = "COPY public.users (id, email, encrypted_password, note) FROM stdin;\n"
	for _, c := range []struct{ name, text, want string }{
		{"row", head + "1\ta@other.test\tx\t\\N\n2\tjdoe@lab.example\tunknown-hash\t\\N\n\\.\n", "sql employee jdoe@lab.example|unknown-hash@"},
		{"clear text", "COPY u (email, password, n) FROM stdin;\njdoe@lab.example\tpa ss\\\\word\t\\N\n\\.\n", `sql employee jdoe@lab.example|pa ss\word@`},
		{"AD login", "COPY u (n, login, password) FROM stdin;\n\\N\tSTMARY\\\\jdoe\tsecret1\n\\.\n", `sql employee STMARY\jdoe|secret1@`},
		{"CRLF", strings.ReplaceAll(head+"2\tjdoe@lab.example\tx1\t\n\\.\n", "\n", "\r\n"), "sql employee jdoe@lab.example|x1@"},
		{"out of sight", "2\tjdoe@lab.example\t" + bcrypt + "\t\\N\n", "sql employee jdoe@lab.example|" + bcrypt + "@"},
		{"no password", head + "2\tjdoe@lab.example\t\\N\tthe note\n\\.\n", "mention"},
		{"in a text", head + "2\tx@other.test\tx\twrite to jdoe@lab.example\n\\.\n", "mention"},
		{"ended", "COPY u (email, password, n) FROM stdin;\n\\.\nCOPY v (email, name, n) FROM stdin;\njdoe@lab.example\tNurse\t1\n", "mention"},
		{"ended, nothing after", "COPY u (email, password, n) FROM stdin;\n\\.\njdoe@lab.example\tNurse\t1\n", "combolist employee jdoe@lab.example|Nurse\t1@"},
		{"ended after a row", "COPY u (email, password, n) FROM stdin;\njdoe@lab.example\tsecret1\t1\n\\.\njdoe@lab.example\tNurse\t1\n",
			"sql employee jdoe@lab.example|secret1@; combolist employee jdoe@lab.example|Nurse\t1@"},
		{"other number of columns", head + "jdoe@lab.example\tNurse\n", "combolist employee jdoe@lab.example|Nurse@"},
	} {
		if got := briefs(read(s, fromFile(c.text))); got != c.want {
			t.Errorf("%s: %q\n got %s\nwant %s", c.name, c.text, got, c.want)
		}
	}
}

func TestTables(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ name, text, want string }{
		{"header", "id,email,password\n1,a@other.test,x\n2,jdoe@lab.example,secret1\n", "csv employee jdoe@lab.example|secret1@"},
		{"two columns", "email,password\na@other.test,x\njdoe@lab.example,secret\n\"asmith@lab.example\",\"a,b\"\n", "csv employee jdoe@lab.example|secret@; csv employee asmith@lab.example|a,b@"},
		{"two columns, none a password", "email,name\njdoe@lab.example,Nurse\n", "mention"},
		{"semicolons", "id;E-Mail;Password\r\n2;jdoe@lab.example;pa ss\r\n", "csv employee jdoe@lab.example|pa ss@"},
		{"tabs", "id\temail\tpassword\n2\tjdoe@lab.example\tsecret1\n", "csv employee jdoe@lab.example|secret1@"},
		{"quotes", "\ufeff\"id\",\"email\",\"password\"\n\"2\",\"jdoe@lab.example\",\"a,b\"\"c\"\n", "csv employee jdoe@lab.example|a,b\"c@"},
		{"below a title", "Users of the shop\nid,email,password\n2,jdoe@lab.example,secret1\n", "csv employee jdoe@lab.example|secret1@"},
		{"salt", "email,hash,salt\njdoe@lab.example," + md5 + ",s4lt\n", "csv employee jdoe@lab.example|" + md5 + ":s4lt@"},
		{"browser's export", "name,url,username,password\nvpn,https://vpn.hospital.example/login,jdoe,secret1\n", "csv customer jdoe|secret1@vpn.hospital.example"},
		{"browser's export, other host", "name,url,username,password\nx,https://other.test/,jdoe@lab.example,secret1\n", "csv third_party jdoe@lab.example|secret1@other.test"},
		{"no header, MD5", "2,jdoe,jdoe@lab.example," + md5 + ",2019-01-01\n", "csv employee jdoe@lab.example|" + md5 + "@"},
		{"no header, quoted bcrypt", `"2","jdoe@lab.example","` + bcrypt + `"`, "csv employee jdoe@lab.example|" + bcrypt + "@"},
		{"no header, semicolons", "2;jdoe@lab.example;" + md5 + ";x", "csv employee jdoe@lab.example|" + md5 + "@"},
		{"a first row that looks like a header", "user,a@other.test," + md5 + "\nx,jdoe@lab.example," + md5 + "\n", "csv employee jdoe@lab.example|" + md5 + "@"},
		{"a title with commas", "Fresh, private, unseen\n2,jdoe@lab.example," + md5 + "\n", "csv employee jdoe@lab.example|" + md5 + "@"},
		// in doubt
		{"no password column", "id;email;job\n2;jdoe@lab.example;Nurse\n", "mention"},
		{"password missing", "id,email,password\n2,jdoe@lab.example,\n", "mention"},
		{"another number of columns", "id,email,password\n2,jdoe@lab.example,Jane,Doe\n", "mention"},
		{"no header, clear text", "2,jdoe@lab.example,secret1,Jane\n", "mention"},
		{"two hashes", "2,jdoe@lab.example," + md5 + "," + strings.Repeat("a0", 16) + "\n", "mention"},
		{"two addresses", "jdoe@lab.example,boss@lab.example," + md5 + "\n", "mention"},
		{"gravatar", "id,email,gravatar\n2,jdoe@lab.example," + md5 + "\n", "mention"},
		{"address in a text", "id,text,checksum\n2,write to jdoe@lab.example now," + md5 + "\n", "mention"},
		{"quote not closed", "id,email,password\n2,jdoe@lab.example,\"secret1\n", "mention"},
		// lists stay what they are
		{"address first", "https://portal.lab.example/;jdoe@lab.example;" + md5 + ";x", "ulp employee jdoe@lab.example|" + md5 + ";x@portal.lab.example"},
		{"two columns", "jdoe@lab.example;" + md5, "combolist employee jdoe@lab.example|" + md5 + "@"},
		{"colons", "jdoe@lab.example:a,b,c;d;e", "combolist employee jdoe@lab.example|a,b,c;d;e@"},
	} {
		if got := briefs(read(s, fromFile(c.text))); got != c.want {
			t.Errorf("%s: %q\n got %s\nwant %s", c.name, c.text, got, c.want)
		}
	}
}

// A block further on does not see the header, and takes no line of its own for it.
func TestTableWithoutItsHeader(t *testing.T) {
	b := fromFile("id,email,password\n2,jdoe@lab.example,secret1\n")
	b.Place.Offset = 1 << 20
	if got := briefs(read(scanner(t), b)); got != "mention" {
		t.Errorf("got %s", got)
	}
}

func TestTableRowsAtTheEdge(t *testing.T) {
	s := scanner(t)
	text := []byte("1,a@other.test,x\n2,jdoe@lab.example," + md5 + ",s\n3,b@other.test,y\n")
	for border := 1; border < len(text); border++ {
		first := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Trail: len(text) - border}
		second := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Lead: border}
		if got := briefs(append(read(s, first), read(s, second)...)); got != "csv employee jdoe@lab.example|"+md5+"@" {
			t.Fatalf("border at %d: %s", border, got)
		}
	}
	b := fromFile("1,a@other.test,x\n2,jdoe@lab.example," + md5)
	b.Trail = 1
	if got := briefs(read(s, b)); got != "mention" {
		t.Errorf("cut in its hash: %s", got)
	}
}
