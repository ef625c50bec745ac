package pipeline

import (
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

func TestAForumPostIsReadWithItsQuotesAndAttachments(t *testing.T) {
	post := risk.Item{
		Board: "Trade", Thread: "logs", PostID: "7", URL: "http://forum.example/t/1", Text: "still valid?",
		Quotes:      []risk.Quote{{Author: "zed", Text: "jdoe@hospital.example:Winter-24"}},
		Attachments: []string{"meridian-lab.example.sql.gz"},
	}
	docs := documents(risk.Source{Kind: risk.SourceForum}, []risk.Item{post})
	if len(docs) != 1 {
		t.Fatalf("%d documents, want 1", len(docs))
	}
	want := "still valid?\njdoe@hospital.example:Winter-24\nmeridian-lab.example.sql.gz"
	if got := string(docs[0].block.Data); got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}
