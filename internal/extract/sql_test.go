package extract_test

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

const (
	md5    = "5f4dcc3b5aa765d61d8327deb882cf99"
	bcrypt = "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
)

// create is how mysqldump declares a table.
const create = "DROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (\n  `id` int NOT NULL AUTO_INCREMENT COMMENT 'a, b) and ''c''; d',\n  `email` varchar(100) DEFAULT NULL,\n" +
	"  `password` decimal(10,2) DEFAULT '',\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `e` (`email`,`id`)\n) ENGINE=InnoDB;\n"

func TestInsert(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ name, text, want string }{
		{"column list", "INSERT INTO `users` (`id`, `email`, `password`) VALUES (1,'a@other.test','x'),(2,'jdoe@lab.example','secret1'),(3,'b@other.test','y');",
			"sql employee jdoe@lab.example|secret1@"},
		{"one row each", "INSERT INTO `users` (`id`,`email`,`pwd`) VALUES (1,'a@other.test','x');\nINSERT INTO `users` (`id`,`email`,`pwd`) VALUES (2,'jdoe@lab.example','pa ss,word');\n",
			"sql employee jdoe@lab.example|pa ss,word@"},
		{"one row a line", "INSERT INTO users (email, pass) VALUES\n('a@other.test', 'x'),\n('jdoe@lab.example', 'secret1');\n",
			"sql employee jdoe@lab.example|secret1@"},
		{"two rows", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example','secret1'),('asmith@lab.example','secret2');",
			"sql employee jdoe@lab.example|secret1@; sql employee asmith@lab.example|secret2@"},
		{"escapes", `INSERT INTO u (email,pass) VALUES ('o\'neil@lab.example','a\'b\\c\"d''e,(1,\'x\')');`,
			`sql employee o'neil@lab.example|a'b\c"d'e,(1,'x')@`},
		{"AD login", `INSERT INTO u (login,pass) VALUES ('STMARY\\jdoe','secret1');`, `sql employee STMARY\jdoe|secret1@`},
		{"named account", "INSERT INTO u (username,email,pass) VALUES ('svc-meridian','it@mail.test','secret1');", "sql employee svc-meridian|secret1@"},
		{"login and address", "INSERT INTO u (username,email,pass) VALUES ('jdoe','jdoe@lab.example','secret1');", "sql employee jdoe@lab.example|secret1@"},
		{"salt", "INSERT INTO u (email,hash,salt) VALUES ('jdoe@lab.example','" + md5 + "','s4lt');", "sql employee jdoe@lab.example|" + md5 + ":s4lt@"},
		{"NULL and numbers", "INSERT INTO u (id,n,email,f,pass,at) VALUES (-1,NULL,'jdoe@lab.example',1.5e3,'secret1',CURRENT_TIMESTAMP);", "sql employee jdoe@lab.example|secret1@"},
		{"SQL Server", "INSERT [dbo].[Users] ([Id], [Email], [PasswordHash], [At]) VALUES (1, N'jdoe@lab.example', N'AQAAAAEAACcQAAAAEInventedInventedInventedInventedInvented', CAST(N'2020-01-01' AS DateTime))\nGO\n",
			"sql employee jdoe@lab.example|AQAAAAEAACcQAAAAEInventedInventedInventedInventedInvented@"},
		{"hash in binary", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example',0x" + md5 + ");", "sql employee jdoe@lab.example|" + md5 + "@"},
		{"text in hex", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example',0x73656372657431);", "sql employee jdoe@lab.example|secret1@"},
		{"binary string", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example',_binary 'secret1');", "sql employee jdoe@lab.example|secret1@"},
		{"binary in hex", "INSERT INTO u (email,pass,icon) VALUES ('jdoe@lab.example',_binary 0x73656372657431,_binary 0x00ff);", "sql employee jdoe@lab.example|secret1@"},
		{"no list, bcrypt", "INSERT INTO `u` VALUES (1,'jdoe','jdoe@lab.example','" + bcrypt + "','" + md5 + "',NULL);", "sql employee jdoe@lab.example|" + bcrypt + "@"},
		{"no list, MD5", "INSERT INTO u VALUES(1,'jdoe@lab.example','" + md5 + "');", "sql employee jdoe@lab.example|" + md5 + "@"},
		{"no list, named account", "INSERT INTO u VALUES(1,'svc-meridian','" + md5 + "');", "sql employee svc-meridian|" + md5 + "@"},
		{"one address twice", "INSERT INTO u VALUES(1,'JDoe@lab.example','jdoe@lab.example','" + md5 + "');", "sql employee JDoe@lab.example|" + md5 + "@"},
		{"columns of CREATE TABLE", create + "INSERT INTO `users` VALUES (1,'a@other.test','x'),(2,'jdoe@lab.example','secret1');\nINSERT INTO `users` VALUES (3,'asmith@lab.example','secret2');\n",
			"sql employee jdoe@lab.example|secret1@; sql employee asmith@lab.example|secret2@"},
		{"CREATE TABLE of SQLite", "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, pass TEXT, UNIQUE(email));\nINSERT INTO users VALUES(1,'jdoe@lab.example','secret1');\n", "sql employee jdoe@lab.example|secret1@"},
		{"another table's columns", create + "INSERT INTO `staff` VALUES (2,'jdoe@lab.example','Nurse');\n", "mention"},
		{"CREATE TABLE is not closed", create[:len(create)-20] + ";\nINSERT INTO `users` VALUES (2,'jdoe@lab.example','Nurse');\n", "mention"},
		{"another statement's list", "INSERT INTO a (email,pass,x) VALUES ('a@other.test','x',1);\nINSERT INTO b VALUES ('jdoe@lab.example','Nurse',1);", "mention"},
		{"a home page is no login host", "INSERT INTO u (user,pass,url) VALUES ('x@mail.test','secret1','https://portal.lab.example/');", "mention"},
		{"a list in a text", "INSERT INTO p (a,b) VALUES (1,2);\nINSERT INTO q VALUES ('x, INSERT INTO u (email,pass) VALUES (1,2)','y'),('jdoe@lab.example','Nurse');", "mention"},
		// in doubt
		{"post", "INSERT INTO `posts` VALUES (7,'Welcome','write to jdoe@lab.example for help','" + md5 + "');", "mention"},
		{"no list, clear text", "INSERT INTO u VALUES (1,'jdoe@lab.example','secret1');", "mention"},
		{"two hashes", "INSERT INTO u VALUES (1,'jdoe@lab.example','" + md5 + "','" + strings.Repeat("a0", 16) + "');", "mention"},
		{"two addresses", "INSERT INTO u VALUES (1,'jdoe@lab.example','boss@lab.example','" + md5 + "');", "mention"},
		{"other columns", "INSERT INTO u (email,gravatar) VALUES ('jdoe@lab.example','" + md5 + "');", "mention"},
		{"no password", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example',NULL);", "mention"},
		{"two passwords", "INSERT INTO u (email,pass,pwd) VALUES ('jdoe@lab.example','a','b');", "mention"},
		{"a line end in a password", `INSERT INTO u (login,pass) VALUES ('jdoe@lab.example','pass\nword');`, "mention"},
		{"a row in a text", `INSERT INTO p VALUES (1,"so, ('jdoe@lab.example','` + md5 + `'), and",2);`, "mention"},
		{"code", "login('jdoe@lab.example','" + md5 + "');", "mention"},
		{"a row longer than its list", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example','secret1',1);", "mention"},
		{"prose", "we met (the staff, ('jdoe@lab.example', 'and others'), all of them)", "mention"},
		{"not closed", "INSERT INTO u (email,pass) VALUES ('jdoe@lab.example','secret1'", "mention"},
		{"UUID in binary", "INSERT INTO u VALUES ('jdoe@lab.example',0x" + md5 + ");", "mention"},
	} {
		if got := briefs(read(s, fromFile(c.text))); got != c.want {
			t.Errorf("%s: %q\n got %s\nwant %s", c.name, c.text, got, c.want)
		}
	}
}

func TestInsertOfMegabytes(t *testing.T) {
	s := scanner(t)
	before, after := strings.Repeat("(1,'a@other.test','x)(,\\'('),", 100_000), strings.Repeat(",(3,'b@other.test','y')", 100_000)
	line := "INSERT INTO `u` (`id`,`email`,`password`) VALUES " + before + "(2,'jdoe@lab.example','secret1')" + after + ";\n"
	if got := briefs(read(s, fromFile(line))); got != "sql employee jdoe@lab.example|secret1@" {
		t.Errorf("with its list: got %s", got)
	}
	b := fromFile(line[100:])
	b.Place.Offset, b.Lead = 100, 50
	if got := briefs(read(s, b)); got != "mention" {
		t.Errorf("the list is out of sight: got %s", got)
	}
	b = fromFile(strings.Replace(line, "secret1", bcrypt, 1)[100:])
	b.Place.Offset, b.Lead = 100, 50
	found := read(s, b)
	if got := briefs(found); got != "sql employee jdoe@lab.example|"+bcrypt+"@" || found[0].Secret.Kind() != risk.SecretBcrypt {
		t.Errorf("a hash needs no list: got %s", got)
	}
}

// A row that lies over the border of two blocks is read by one of them, and half a row by none.
func TestRowsAtTheEdge(t *testing.T) {
	s := scanner(t)
	const row = "(2,'jdoe@lab.example','" + md5 + "')"
	text := []byte("INSERT INTO u VALUES (1,'a@other.test','x')," + row + ",(3,'b@other.test','y');")
	for border := 1; border < len(text); border++ {
		first := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Trail: len(text) - border}
		second := risk.Block{Place: risk.Place{Line: 1}, Source: risk.SourceDrop, Data: text, Lead: border}
		if got := briefs(append(read(s, first), read(s, second)...)); got != "sql employee jdoe@lab.example|"+md5+"@" {
			t.Fatalf("border at %d: %s", border, got)
		}
	}
	end := strings.Index(string(text), row) + len(row)
	for cut := strings.Index(string(text), "@lab.example") + len("@lab.example") + 1; cut < end; cut++ {
		b := fromFile(string(text[:cut]))
		b.Trail = 1
		if got := briefs(read(s, b)); got != "mention" {
			t.Fatalf("cut to %q: %s", text[:cut], got)
		}
	}
}

func TestExcerptOfARowIsItsCell(t *testing.T) {
	found := read(scanner(t), fromFile("INSERT INTO posts VALUES (7,'Jane Roe','she left Meridian Lab in spring','born 1980');"))
	if len(found) != 1 || found[0].Excerpt != "she left Meridian Lab in spring" {
		t.Errorf("got %+v", found)
	}
}

func TestSecretInAColumnOfHashes(t *testing.T) {
	found := read(scanner(t), fromFile("INSERT INTO u (email,hash) VALUES ('jdoe@lab.example','0a1b2c');"))
	if len(found) != 1 || found[0].Secret.Kind() != risk.SecretHash {
		t.Errorf("got %s", briefs(found))
	}
}

func TestTableSecretKinds(t *testing.T) {
	s := scanner(t)
	for secret, want := range map[string]risk.SecretKind{
		"secret1":                                risk.SecretPlain,
		md5:                                      risk.SecretMD5,
		bcrypt:                                   risk.SecretBcrypt,
		"pbkdf2_sha256$260000$s4lt$aW52ZW50ZWQ=": risk.SecretPBKDF2,
		"scrypt:32768:8:1$s4lt$0011223344556677": risk.SecretScrypt,
		"{SSHA}aW52ZW50ZWRpbnZlbnRlZA==":         risk.SecretLDAP,
		"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19":          risk.SecretMySQL,
		"$S$DabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST": risk.SecretPHPass,
		"X03MO1qnZdYdgyfeuILPmQ==":                           risk.SecretHash, // base64 of an MD5
		"AQAAAAEAACcQAAAAEInventedInventedInventedInvented":  risk.SecretPBKDF2,
		"correct horse battery staple correct horse battery": risk.SecretPlain,
	} {
		found := read(s, fromFile("INSERT INTO u (email,password) VALUES ('jdoe@lab.example','"+secret+"');"))
		if len(found) != 1 || found[0].Secret.Kind() != want || found[0].Secret.Reveal() != secret {
			t.Errorf("%s: got %s, want %s", secret, briefs(found), want)
		}
	}
}
