package extract_test

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// hostile look like tables again and again, with thousands of hits. To look around each hit anew would take minutes.
var hostile = map[string]string{
	"quotes and commas":   strings.Repeat(`'a@lab.example','`, 64<<10),
	"rows in rows":        "INSERT INTO u (email,password) VALUES " + strings.Repeat(`,(('a@lab.example',`, 56<<10),
	"one row":             "INSERT INTO u (email,password) VALUES (" + strings.Repeat(`'a@lab.example', `, 60<<10),
	"rows of one string":  "INSERT INTO u VALUES " + strings.Repeat(`,('a@lab.example', "`, 52<<10),
	"backslashes":         "INSERT INTO u VALUES " + strings.Repeat(`,('\\\'a@lab.example',\`, 44<<10),
	"objects not closed":  strings.Repeat(`{"a":"a@lab.example",`, 50<<10),
	"one object":          `{"a":[` + strings.Repeat(`"a@lab.example",`, 64<<10),
	"object of objects":   `{` + strings.Repeat(`"x":{"email":"a@lab.example"},`, 34<<10),
	"arrays":              strings.Repeat(`[{"a":[{"email":"a@lab.example"},`, 32<<10),
	"Python's quotes":     strings.Repeat(`{'a':'a@lab.example', "`, 46<<10),
	"braces":              strings.Repeat("{", 1<<15) + strings.Repeat(`"a@lab.example", `, 40<<10),
	"a header and quotes": "id,email,password\n" + strings.Repeat("\"a@lab.example,\n", 64<<10),
	"a header, one line":  "id,email,password\n" + strings.Repeat(`"a@lab.example",`, 64<<10),
	"a header, long rows": "id,email,password\n" + strings.Repeat(strings.Repeat(`"a@lab.example",`, 250)+"\n", 256),
	"a table of frames":   "| id | email | password |\n" + strings.Repeat("|a@lab.example", 76<<10),
	"rows of COPY":        "COPY u (email, password) FROM stdin;\n" + strings.Repeat(strings.Repeat("a@lab.example\t", 280)+"\n", 256),
	"COPY on one line":    "COPY u (email, password) FROM stdin;\n" + strings.Repeat("a@lab.example\t", 76<<10),
	"one line of commas":  strings.Repeat(`",'(a@lab.example)',[{`, 48<<10),
	"nested JSON":         strings.Repeat(`{"a":[`, 10_000) + strings.Repeat(`{"email":"a@lab.example"},`, 10_000),
	"keys without quotes": strings.Repeat(`{a:{b:"a@lab.example",c:`, 44<<10),
	"escapes":             strings.Repeat(strings.Repeat(`a%40lab.example `, 60)+"\n", 1<<10),
	"assignments":         "INSERT INTO u SET x='1',\n" + strings.Repeat("email='a@lab.example',\n", 8<<10),
	"many assignments":    strings.Repeat("INSERT INTO u SET email='a@lab.example',\n", 8<<10),
	"statements":          strings.Repeat("INSERT INTO u (email,\nCREATE TABLE u (email,\n", 22<<10) + "('a@lab.example','x'),",
}

const hostileBytes = 192 << 10

// What is looked at around hits is counted: twice the text may cost twice as much, and a byte a bounded number of looks.
func TestHostileTablesAreLookedThroughOnce(t *testing.T) {
	s := scanner(t)
	effort := func(text string) int {
		b := fromFile(text)
		var hits []match.Hit
		s.Scan(b.Data, func(h match.Hit) { hits = append(hits, h) })
		b.Context = extract.Context(b)
		extract.Indicators(s, b, hits, func(risk.Indicator) {})
		return extract.Effort(s, b, hits)
	}
	for name, text := range hostile {
		text = text[:min(len(text), hostileBytes)]
		half, whole := effort(text[:len(text)/2]), effort(text)
		const looks, once = 20, 128 << 10 // what is read last may go beyond what is left
		if whole > looks*len(text)+once || whole > 2*half+half/2+once {
			t.Errorf("%s: %d bytes cost %d, half of them %d", name, len(text), whole, half)
		}
	}
}
