package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// changeExposure does what a button on an exposure's page says, or shows the page again with why not.
func (p *portal) changeExposure(c *gin.Context) error {
	id, err := parseID(c.Param("id"))
	if err != nil {
		return err
	}
	form, err := p.form(c, "do", "version", "reason", "note", "duplicate_of", "owner", "back")
	if err != nil {
		return err
	}
	ctx, a := c.Request.Context(), actor(c)
	e, err := p.Store.FindExposure(ctx, id)
	if err != nil {
		return fmt.Errorf("find exposure %d: %w", id, err)
	}
	back := cmp.Or(localPath(form.Get("back")), fmt.Sprintf("/exposures/%d", id))
	ch, err := p.changeFromForm(ctx, form.Get, e, a)
	if err == nil {
		_, err = p.Store.ChangeExposure(ctx, id, ch, a, p.Now())
	}
	typed := attempt{Do: form.Get("do"), Reason: form.Get("reason"), Note: form.Get("note"), DuplicateOf: form.Get("duplicate_of"), Owner: form.Get("owner")}
	var problem risk.Problem
	switch {
	case errors.As(err, &problem):
		typed.Say = e.Ref() + " was not changed. " + problem.Say
		return p.showExposure(c, http.StatusUnprocessableEntity, back, typed)
	case errors.Is(err, risk.ErrConflict):
		typed.Say = e.Ref() + " was not changed: someone else changed it after you opened it. This is how it stands now."
		return p.showExposure(c, http.StatusConflict, back, typed)
	case err != nil:
		return fmt.Errorf("change exposure %d: %w", id, err)
	}
	p.say(c, doneFlash(form.Get("do"), e))
	c.Redirect(http.StatusSeeOther, back)
	return nil
}

func (p *portal) changeFromForm(ctx context.Context, get func(string) string, e risk.Exposure, a risk.Actor) (risk.Change, error) {
	do := get("do")
	var ch risk.Change
	if do == "assign" {
		owner, err := p.newOwner(ctx, get("owner"))
		if err != nil {
			return ch, err
		}
		ch.AssignTo = &owner
	} else {
		var err error
		if ch, err = changeFor(do, e, a); err != nil {
			return ch, err
		}
	}
	var err error
	if ch.Reason, err = reasonOf(get("reason"), get("note")); err != nil {
		return ch, err
	}
	if do == "duplicate" {
		of, err := parseRef(get("duplicate_of"))
		if err != nil {
			return ch, err
		}
		ch.DuplicateOf = of
	}
	version, err := parseID(get("version"))
	if err != nil {
		return ch, risk.Invalid("version", "The form is incomplete; open the exposure again.")
	}
	ch.Version = int(version)
	return ch, nil
}

// newOwner is the user that a form names, who must be able to act on what they get; "0" is nobody.
func (p *portal) newOwner(ctx context.Context, s string) (int64, error) {
	if s == "0" {
		return 0, nil
	}
	unknown := risk.Invalid("owner", "Choose someone from the list to assign it to.")
	id, err := parseID(s)
	if err != nil {
		return 0, unknown
	}
	u, err := p.Store.FindUser(ctx, id)
	if err != nil && !errors.Is(err, risk.ErrNotFound) {
		return 0, fmt.Errorf("find user %d to assign to: %w", id, err)
	}
	if err != nil || u.Disabled || !risk.Can(risk.Actor{UserID: u.ID, Role: u.Role}, risk.ActTriage) {
		return 0, unknown
	}
	return id, nil
}

// parseRef reads an exposure's name, such as EX-12.
func parseRef(s string) (int64, error) {
	digits, found := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(s)), "EX-")
	id, err := parseID(digits)
	if !found || err != nil {
		return 0, risk.Invalid("duplicate_of", "Name the exposure that this one repeats, such as EX-12.")
	}
	return id, nil
}

func doneFlash(do string, e risk.Exposure) flash {
	f := flash{IDs: []int64{e.ID}}
	switch do {
	case "assign":
		f.Say = e.Ref() + " has a new owner."
	case "duplicate":
		f.Say, f.Undo = e.Ref()+" is marked as a duplicate.", "reopen"
	case "waive":
		f.Say, f.Undo = e.Ref()+" is waived.", "reopen"
	default:
		deed := bulkDeeds[do]
		f.Say, f.Undo = fmt.Sprintf(deed.done, e.Ref()), deed.undo
	}
	return f
}

// changeFor turns what a button says into a change.
func changeFor(do string, e risk.Exposure, a risk.Actor) (risk.Change, error) {
	nobody := int64(0)
	switch do {
	case "take":
		return risk.Change{AssignTo: &a.UserID}, nil
	case "unassign":
		return risk.Change{AssignTo: &nobody}, nil
	case "confirm":
		return risk.Change{To: risk.ExposureConfirmed}, nil
	case "duplicate":
		return risk.Change{To: risk.ExposureDuplicate}, nil
	case "dismiss":
		return risk.Change{To: risk.ExposureDismissed}, nil
	case "waive":
		return risk.Change{To: risk.ExposureWaived}, nil
	case "supplier":
		return risk.Change{To: risk.ExposureWithSupplier}, nil
	case "fixed":
		return risk.Change{To: risk.ExposureFixed}, nil
	case "close":
		return risk.Change{To: risk.ExposureClosed}, nil
	case "reopen":
		if slices.Contains(e.State.Next(), risk.ExposureNew) {
			return risk.Change{To: risk.ExposureNew}, nil
		}
		return risk.Change{To: risk.ExposureConfirmed}, nil
	}
	return risk.Change{}, risk.Invalid("do", "There is no such change.")
}

// noteMost is how long the words beside a reason may be, as the forms say.
const noteMost = 300

// reasonOf puts a reason and the words beside it together. The forms offer the reasons; there are no others.
func reasonOf(reason, note string) (string, error) {
	note = strings.TrimSpace(note)
	if reason != "" && !slices.Contains(risk.DismissReasons, reason) {
		return "", risk.Invalid("reason", "Choose a reason from the list.")
	}
	if utf8.RuneCountInString(note) > noteMost {
		return "", risk.Invalid("note", "A note is at most %d characters long.", noteMost)
	}
	if note == "" || reason == "" {
		return reason + note, nil
	}
	return reason + ": " + note, nil
}
