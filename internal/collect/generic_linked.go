package collect

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// posting is what schema.org calls a post, as pages carry it for search engines.
type posting struct {
	Type   any       `json:"@type"`
	ID     string    `json:"@id"`
	URL    string    `json:"url"`
	Text   string    `json:"text"`
	Body   string    `json:"articleBody"`
	Date   string    `json:"datePublished"`
	Edited string    `json:"dateModified"`
	Author any       `json:"author"`
	Below  []posting `json:"comment"`
	Graph  []posting `json:"@graph"`
	Main   *posting  `json:"mainEntity"`
}

const mostPostings = 2000

// linkedData are the posts that a page's JSON-LD holds. Their texts have lost their markup.
func linkedData(p *page, dates calendar) []risk.Item {
	var items []risk.Item
	for _, script := range find(p.doc.Selection, `script[type="application/ld+json"]`).EachIter() {
		text := strings.TrimSpace(script.Text())
		var many []posting
		if !strings.HasPrefix(text, "[") {
			text = "[" + text + "]"
		}
		if !isReadJSON(json.Unmarshal([]byte(text), &many)) {
			continue
		}
		for _, one := range many {
			items = one.collect(p, dates, items, 0)
		}
	}
	return items
}

func (d posting) collect(p *page, dates calendar, items []risk.Item, depth int) []risk.Item {
	if depth > mostNested || len(items) >= mostPostings {
		return items
	}
	kind, _ := d.Type.(string)
	if text := firstOf(d.Text, d.Body); text != "" && postingOf.MatchString("schema.org/"+kind) {
		item := risk.Item{Text: strings.TrimSpace(nodeText(fragmentRoot(text))), Author: cleanText(nameOf(d.Author)), URL: ""}
		if utf8.RuneCountInString(item.Author) > mostName {
			item.Author = ""
		}
		item.Posted, _ = dates.stamp(d.Date)
		if at, ok := dates.stamp(d.Edited); ok && d.Edited != d.Date {
			item.Edited, item.EditedAt = true, at
		}
		if m := placeInThread.FindString(firstOf(d.URL, d.ID)); m != "" {
			item.PostID = digits.FindString(m)
		}
		items = append(items, item)
	}
	for _, below := range slices.Concat(d.Below, d.Graph) {
		items = below.collect(p, dates, items, depth+1)
	}
	if d.Main != nil {
		items = d.Main.collect(p, dates, items, depth+1)
	}
	return items
}

// nameOf is the name in what stands for a person: a name, an object with one, or a list of these.
func nameOf(author any) string {
	switch a := author.(type) {
	case string:
		return a
	case map[string]any:
		name, _ := a["name"].(string)
		return name
	case []any:
		if len(a) > 0 {
			return nameOf(a[0])
		}
	}
	return ""
}
