package extract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

func post(kind risk.SourceKind, title, text string) risk.Block {
	b := risk.Block{Place: risk.Place{Path: "http://forum.test/1", Line: 1}, Source: kind, Title: title, Data: []byte(text)}
	if title != "" {
		b.Data = []byte(title + "\n" + text)
	}
	return b
}

func TestExcerpt(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct{ name, text, want string }{
		{"three lines", "one\ntwo\nMeridian Lab was here\nfour\nfive", "two\nMeridian Lab was here\nfour"},
		{"addresses", "ask joe@evil.test or jdoe@lab.example about Meridian Lab", "ask [removed] or [removed] about Meridian Lab"},
		{"other hosts", "Meridian Lab and rival.test, see https://shop.rival.test/x and portal.lab.example", "Meridian Lab and [removed] see [removed] and portal.lab.example"},
		{"watched address", "https://portal.lab.example/login of Meridian Lab, https://portal.lab.example/?token=99", "https://portal.lab.example/login of Meridian Lab, portal.lab.example/[removed]"},
		{"labels", "Meridian Lab vpn password: sun shine\nnext", "Meridian Lab vpn password: [removed]\nnext"},
		{"said aloud", "Meridian Lab, the password is sunshine ok", "Meridian Lab, the password is [removed]"},
		{"random words", "Meridian Lab admin hunter2 P@ssw!rd works", "Meridian Lab admin [removed] works"},
		{"numbers", "Meridian Lab 412,000 records, call +1-555-010-0123, SSN 123-45-6789", "Meridian Lab 412,000 records, call [removed] SSN [removed]"},
		{"somebody's record beside it", "x@rival.test:secret1\nMeridian Lab too\nhttps://rival.test/a:joe:pw", "[removed]\nMeridian Lab too\n[removed]"},
		{"prose with colons", "re:Meridian Lab:hacked today", "re:Meridian Lab:hacked today"},
		{"long words", "Meridian Lab " + strings.Repeat("abcd", 10) + " x", "Meridian Lab [removed] x"},
		{"rows", "sunshine,joe,admin Meridian Lab 1,234,567 rows", "[removed] Meridian Lab 1,234,567 rows"},
		{"keys", "Meridian Lab key=AKIAABCDEFGH aws", "Meridian Lab key= [removed]"},
	} {
		found := read(s, post(risk.SourceForum, "", c.text))
		got := ""
		for _, in := range found {
			if in.Term.Supplier == "Meridian Lab" && in.Kind == risk.KindMention {
				got = in.Excerpt
			}
		}
		if got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestExcerptOfADumpIsItsLine(t *testing.T) {
	found := read(scanner(t), fromFile("Jane Roe of Rival\ninvoice for Meridian Lab\nJohn Poe of Rival\n"))
	if len(found) != 1 || found[0].Excerpt != "invoice for Meridian Lab" {
		t.Errorf("got %+v", found)
	}
}

func TestExcerptIsShort(t *testing.T) {
	text := strings.Repeat("prösa wird lang und länger ", 400) + "Meridian Lab" + strings.Repeat(" und noch viel mehr davon", 400)
	found := read(scanner(t), post(risk.SourceForum, "", text))
	if len(found) != 1 {
		t.Fatalf("got %s", briefs(found))
	}
	e := found[0].Excerpt
	if n := utf8.RuneCountInString(e); n > 400 || !utf8.ValidString(e) || !strings.Contains(e, "Meridian Lab") || !strings.HasSuffix(e, "…") {
		t.Errorf("%d runes: %q", n, e)
	}
}

func TestOneMentionForEachSupplier(t *testing.T) {
	found := read(scanner(t), post(risk.SourceForum, "", "Meridian Lab and meridian lab\nMERIDIAN LAB, lab.example and billing.test"))
	if got := briefs(found); got != "mention; mention" || found[0].Term.Supplier == found[1].Term.Supplier {
		t.Errorf("got %s", got)
	}
}

func TestOneMentionForEachLineAndSupplierOfAScan(t *testing.T) {
	b := fromFile("Meridian Lab and meridian lab\nnothing\nMERIDIAN LAB, lab.example and billing.test\nh\u043espital.example, hospital.example\n")
	b.Lines = true
	var got []string
	for _, in := range read(scanner(t), b) {
		got = append(got, fmt.Sprintf("%d %s %s %s", in.Place.Line, in.Term.Supplier, in.Term.Value, in.Match))
	}
	want := []string{"1 Meridian Lab Meridian Lab brand", "3 Meridian Lab Meridian Lab brand", "3 Billing Inc billing.test exact", "4 St. Mary hospital.example exact"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestClaims(t *testing.T) {
	s := scanner(t)
	for _, c := range []struct {
		name  string
		block risk.Block
		want  string
	}{
		{"in the title", post(risk.SourceLeakSite, "Meridian Lab", "1.2 TB of data\nlab.example"), "victim_claim"},
		{"in the first line", post(risk.SourceLeakSite, "New victim", "www.lab.example\nlaboratory"), "victim_claim"},
		{"further down", post(risk.SourceLeakSite, "Rival", "A company.\nCustomers: Meridian Lab"), "mention"},
		{"further down, without a title", post(risk.SourceLeakSite, "", "Rival\nCustomers: Meridian Lab"), "mention"},
		{"in a forum", post(risk.SourceForum, "Meridian Lab", "for sale"), "mention"},
	} {
		if got := briefs(read(s, c.block)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
