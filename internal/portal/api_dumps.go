package portal

import (
	"context"
	"fmt"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

type dumpsRequest struct {
	State  []string `query:"state" enum:"reading,done,failed,same,cancelled" doc:"states separated by commas; without it, all"`
	Text   string   `query:"q" maxLength:"200" doc:"part of a file's path, at most 200 characters"`
	Limit  int      `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"items in the answer, 1 to 200"`
	Offset int      `query:"offset" default:"0" minimum:"0" maximum:"1000000" doc:"items before the first, 0 to 1000000"`
}

type dumpsAnswer struct {
	Body struct {
		Total    int          `json:"total" doc:"all that the filter selects"`
		Offset   int          `json:"offset"`
		Items    []dumpAnswer `json:"items" nullable:"false" doc:"the last written down first"`
		Computed time.Time    `json:"computed"`
	}
}

type dumpAnswer struct {
	ID       int64      `json:"id"`
	SourceID int64      `json:"source_id"`
	Path     string     `json:"path" doc:"below the source's folder"`
	Bytes    int64      `json:"bytes"`
	State    string     `json:"state"`
	Why      string     `json:"why,omitempty"`
	SameAs   string     `json:"same_as,omitempty" doc:"the file with the same content that was read instead"`
	Packed   int64      `json:"packed" doc:"bytes of the file that were read"`
	Read     int64      `json:"read" doc:"bytes of its text, unpacked, that were looked through"`
	Rate     int64      `json:"rate" doc:"bytes of the file a second, lately; 0 = not known"`
	Found    int        `json:"found"`
	Counted  int64      `json:"counted" doc:"findings that were only counted and are not kept one by one"`
	Skipped  []string   `json:"skipped" nullable:"false" doc:"what could not be read"`
	Digest   string     `json:"sha256,omitempty"`
	Started  *time.Time `json:"started,omitempty"`
	Updated  *time.Time `json:"updated,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`
}

func (p *portal) apiDumps(ctx context.Context, in *dumpsRequest) (*dumpsAnswer, error) {
	f := risk.FileFilter{Text: in.Text, Limit: in.Limit, Offset: in.Offset}
	for _, s := range in.State {
		f.States = append(f.States, risk.FileState(s))
	}
	found, total, err := p.Store.FindFiles(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("find files: %w", err)
	}
	ids := make([]int64, len(found))
	for i, x := range found {
		ids[i] = x.ID
	}
	counted, err := p.Store.CountedIn(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("sum up what was only counted: %w", err)
	}
	out := &dumpsAnswer{}
	out.Body.Total, out.Body.Offset, out.Body.Computed, out.Body.Items = total, in.Offset, p.Now(), []dumpAnswer{}
	for _, x := range found {
		out.Body.Items = append(out.Body.Items, dumpAnswer{ID: x.ID, SourceID: x.SourceID, Path: x.Path, Bytes: x.Bytes, State: string(x.State), Why: x.Why,
			SameAs: x.SameAs, Packed: x.Packed, Read: x.Read, Rate: x.Rate, Found: x.Records, Counted: counted[x.ID], Skipped: append([]string{}, x.Skipped...),
			Digest: x.Digest, Started: risk.Known(x.Started), Updated: risk.Known(x.Updated), Finished: risk.Known(x.Finished)})
	}
	return out, nil
}
