package portal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// bulkDeeds are what can be done to many exposures at once.
var bulkDeeds = map[string]struct {
	ask, done string // with %s for the count
	needsWhy  bool
	undo      string
}{
	"take":     {"Take %s?", "%s taken.", false, "unassign"},
	"unassign": {"Leave %s to nobody?", "%s left to nobody.", false, ""},
	"confirm":  {"Confirm %s?", "%s confirmed.", false, ""},
	"dismiss":  {"Dismiss %s?", "%s dismissed.", true, "reopen"},
	"supplier": {"Hand %s to the supplier?", "%s handed to the supplier.", false, ""},
	"fixed":    {"Mark %s as fixed?", "%s marked as fixed.", false, "reopen"},
	"close":    {"Close %s?", "%s closed.", false, "reopen"},
	"reopen":   {"Re-open %s?", "%s open again.", false, ""},
}

const bulkMost = 200

type bulkView struct {
	page
	Do, Ask  string
	Back     string
	NeedsWhy bool
	Reasons  []option
	Wrong    string
	Rows     []exposureRow
}

// bulkChange first asks, naming the count, and changes on the answer. Taking and undoing are not asked for.
func (p *portal) bulkChange(c *gin.Context) error {
	form, err := p.form(c, "id", "do", "sure", "reason", "note", "back")
	if err != nil {
		return err
	}
	do := form.Get("do")
	deed, ok := bulkDeeds[do]
	if !ok {
		return risk.Invalid("do", "There is no such change.")
	}
	back := cmp.Or(localPath(form.Get("back")), "/inbox")
	ids, err := parseIDs(form["id"])
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		p.say(c, flash{Say: "Nothing was selected, so nothing was changed.", Bad: true})
		c.Redirect(http.StatusSeeOther, back)
		return nil
	}
	why, err := reasonOf(form.Get("reason"), form.Get("note"))
	if err != nil {
		return err
	}
	asks := do != "take" && do != "unassign" && do != "reopen"
	sure := form.Get("sure") == "yes"
	if asks && (!sure || (deed.needsWhy && why == "")) {
		v := bulkView{Do: do, Ask: fmt.Sprintf(deed.ask, plural(len(ids), "exposure", "exposures")), Back: back, NeedsWhy: deed.needsWhy}
		if sure {
			v.Wrong = "Say why: dismissing needs a reason."
		}
		return p.askBulk(c, v, ids)
	}
	changed, refused, err := p.applyAll(c, ids, do, why)
	if err != nil {
		return err
	}
	f := flash{Say: title(fmt.Sprintf(deed.done, plural(len(changed), "exposure", "exposures"))), IDs: changed, Undo: deed.undo}
	if len(changed) == 0 {
		f.Undo = ""
	}
	if refused != "" {
		f.Say, f.Bad = f.Say+" Not changed: "+refused, true
	}
	p.say(c, f)
	c.Redirect(http.StatusSeeOther, back)
	return nil
}

func (p *portal) askBulk(c *gin.Context, v bulkView, ids []int64) error {
	for _, id := range ids {
		e, err := p.Store.FindExposure(c.Request.Context(), id)
		if err != nil {
			return fmt.Errorf("find exposure %d: %w", id, err)
		}
		v.Rows = append(v.Rows, p.exposureRow(e, actor(c), p.Now()))
	}
	v.page, v.Reasons = p.chrome(c, v.Ask, "exposures"), dismissOptions()
	return p.render(c, http.StatusOK, "bulk", v)
}

func parseIDs(values []string) ([]int64, error) {
	if len(values) > bulkMost {
		return nil, risk.Invalid("id", "At most %d exposures can be changed at once.", bulkMost)
	}
	var ids []int64
	for _, s := range values {
		id, err := parseID(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// applyAll changes one exposure after the other. Those whose state does not allow it are named; any other failure stops.
func (p *portal) applyAll(c *gin.Context, ids []int64, do, why string) (changed []int64, refused string, err error) {
	ctx, a := c.Request.Context(), actor(c)
	for _, id := range ids {
		e, err := p.Store.FindExposure(ctx, id)
		if errors.Is(err, risk.ErrNotFound) {
			refused += fmt.Sprintf("EX-%d (it is no longer there.) ", id)
			continue
		}
		if err != nil {
			return nil, "", fmt.Errorf("find exposure %d: %w", id, err)
		}
		ch, err := changeFor(do, e, a)
		if err == nil {
			ch.Reason, ch.Version = why, e.Version
			_, err = p.Store.ChangeExposure(ctx, id, ch, a, p.Now())
		}
		var problem risk.Problem
		switch {
		case err == nil:
			changed = append(changed, id)
		case errors.As(err, &problem):
			refused += e.Ref() + " (" + problem.Say + ") "
		case errors.Is(err, risk.ErrConflict):
			refused += e.Ref() + " (someone else changed it just now.) "
		default:
			return nil, "", fmt.Errorf("change exposure %d: %w", id, err)
		}
	}
	return changed, refused, nil
}
