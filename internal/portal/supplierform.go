package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// supplierForm is the form as typed, so that it can come back with its problems.
type supplierForm struct {
	page
	Action, Cancel string
	New            bool
	Seen           string // when the supplier that the form shows was last changed: a later change is not overwritten
	Values         map[string]string
	Relations      []option
	Tiers          []option
	PatientData    []option
	Terms          []termField
	Problems       []formProblem
	Wrong          map[string]string // by field
}

type termField struct {
	Name, Label, Hint, Value string
}

type formProblem struct{ Field, Say string }

var supplierFields = []string{"name", "kind", "relation", "tier", "patient_data", "employees", "owner_name", "owner_email",
	"contact_name", "contact_email", "baa_signed", "contract_end"}

var supplierLabels = map[string]string{"name": "Name", "kind": "What it does for you", "relation": "Relation", "tier": "Tier", "patient_data": "Handles patient data",
	"employees": "Employees", "owner_name": "Owner in the hospital", "owner_email": "Owner's e-mail", "contact_name": "Contact at the supplier",
	"contact_email": "Contact's e-mail", "baa_signed": "BAA signed", "contract_end": "Contract ends"}

func fieldLabel(name string) string {
	if kind, isTerm := strings.CutPrefix(name, "terms_"); isTerm {
		return termWords[risk.TermKind(kind)]
	}
	return supplierLabels[name]
}

func termFieldName(k risk.TermKind) string { return "terms_" + string(k) }

func supplierFormFields() []string {
	fields := append([]string(nil), supplierFields...)
	for _, k := range risk.TermKinds {
		fields = append(fields, termFieldName(k))
	}
	return fields
}

func (p *portal) newSupplierPage(c *gin.Context) error {
	return p.showSupplierForm(c, http.StatusOK, supplierForm{Values: map[string]string{"relation": string(risk.ThirdParty)}}, risk.Supplier{})
}

func (p *portal) editSupplierPage(c *gin.Context) error {
	s, err := p.supplierOf(c)
	if err != nil {
		return err
	}
	return p.showSupplierForm(c, http.StatusOK, supplierForm{Values: supplierValues(s)}, s)
}

func (p *portal) supplierOf(c *gin.Context) (risk.Supplier, error) {
	id, err := parseID(c.Param("id"))
	if err != nil {
		return risk.Supplier{}, err
	}
	s, err := p.Store.FindSupplier(c.Request.Context(), id)
	if err != nil {
		return s, fmt.Errorf("find supplier %d: %w", id, err)
	}
	return s, nil
}

func (p *portal) createSupplier(c *gin.Context) error {
	form, err := p.form(c, supplierFormFields()...)
	if err != nil {
		return err
	}
	return p.saveSupplier(c, form, risk.Supplier{})
}

func (p *portal) updateSupplier(c *gin.Context) error {
	old, err := p.supplierOf(c)
	if err != nil {
		return err
	}
	form, err := p.form(c, append(supplierFormFields(), "seen")...)
	if err != nil {
		return err
	}
	return p.saveSupplier(c, form, old)
}

// saveSupplier writes what was typed, or brings the form back with every problem beside its field.
func (p *portal) saveSupplier(c *gin.Context, form url.Values, old risk.Supplier) error {
	typed, problems := parseSupplier(form, old)
	if len(problems) > 0 {
		return p.showProblems(c, http.StatusUnprocessableEntity, form, old, problems)
	}
	saved, err := p.storeSupplier(c.Request.Context(), typed)
	switch {
	case errors.Is(err, risk.ErrConflict):
		return p.showConflict(c, form, old)
	case errors.Is(err, risk.ErrInvalid):
		return p.showProblems(c, http.StatusUnprocessableEntity, form, old, []error{err})
	case err != nil:
		return fmt.Errorf("save supplier: %w", err)
	}
	p.say(c, flash{Say: saved.Name + " is saved. " + plural(len(saved.Terms), "watch term", "watch terms") + "."})
	c.Redirect(http.StatusSeeOther, supplierHref(saved.ID))
	return nil
}

func (p *portal) storeSupplier(ctx context.Context, s risk.Supplier) (risk.Supplier, error) {
	if s.ID == 0 {
		return p.Store.CreateSupplier(ctx, s)
	}
	return p.Store.UpdateSupplier(ctx, s)
}

// showConflict tells apart what a refused save met: another save since the form was opened, or a name that is taken.
func (p *portal) showConflict(c *gin.Context, form url.Values, old risk.Supplier) error {
	now, changed, err := p.changedMeanwhile(c, form, old)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		return p.showProblems(c, http.StatusConflict, form, now, changed)
	}
	taken := risk.Invalid("name", "There is a supplier of that name already.")
	return p.showProblems(c, http.StatusUnprocessableEntity, form, now, []error{taken})
}

// showProblems brings the form back as it was typed.
func (p *portal) showProblems(c *gin.Context, status int, form url.Values, s risk.Supplier, problems []error) error {
	f := supplierForm{Values: map[string]string{}, Wrong: map[string]string{}}
	for name := range form {
		f.Values[name] = form.Get(name)
	}
	for _, err := range problems {
		var pr risk.Problem
		if !errors.As(err, &pr) {
			pr.Say = "Something in the form is wrong."
		}
		f.Problems = append(f.Problems, formProblem{pr.Field, pr.Say})
		f.Wrong[pr.Field] = pr.Say
	}
	return p.showSupplierForm(c, status, f, s)
}

// changedMeanwhile reads the supplier again and says what of it now differs from what was typed, when somebody saved it
// after the form was opened. The form that comes back has seen that: saving it again is a decision.
func (p *portal) changedMeanwhile(c *gin.Context, form url.Values, old risk.Supplier) (risk.Supplier, []error, error) {
	if old.ID == 0 {
		return old, nil, nil
	}
	now, err := p.supplierOf(c)
	if err != nil || seenAt(now) == form.Get("seen") {
		return now, nil, err
	}
	changed := []error{risk.Invalid("", "Someone saved this supplier after you opened it. What you typed is below; save again to replace what stands now.")}
	stands := supplierValues(now)
	for _, name := range supplierFormFields() {
		if value := strings.TrimSpace(stands[name]); strings.Join(strings.Fields(value), " ") != strings.Join(strings.Fields(form.Get(name)), " ") {
			changed = append(changed, risk.Invalid(name, "%s is now %s.", fieldLabel(name), quoted(value)))
		}
	}
	return now, changed, nil
}

// quoted writes a field's value for a sentence.
func quoted(value string) string {
	if value == "" {
		return "empty"
	}
	return "“" + strings.Join(strings.Split(visible(value), "\n"), ", ") + "”"
}

func seenAt(s risk.Supplier) string { return strconv.FormatInt(s.Updated.UnixMicro(), 10) }

func (p *portal) showSupplierForm(c *gin.Context, status int, f supplierForm, s risk.Supplier) error {
	f.New = s.ID == 0
	f.Action, f.Cancel = "/suppliers/new", "/suppliers"
	heading := "Add a supplier"
	if !f.New {
		heading, f.Cancel, f.Seen = "Edit "+s.Name, supplierHref(s.ID), seenAt(s)
		f.Action = f.Cancel + "/edit"
	}
	f.page = p.chrome(c, heading, "suppliers")
	for _, name := range supplierFields {
		f.Values[name] += "" // every field of the form has a value, if only an empty one
	}
	for _, r := range []risk.Relation{risk.ThirdParty, risk.FirstParty, risk.FourthParty} {
		f.Relations = append(f.Relations, option{string(r), relationWords[r], f.Values["relation"] == string(r)})
	}
	f.Tiers = tierOptions(f.Values["tier"], "Not known yet")[:5]
	for _, o := range []option{{"", "Not known", false}, {"yes", "Yes", false}, {"no", "No", false}} {
		o.Selected = o.Value == f.Values["patient_data"]
		f.PatientData = append(f.PatientData, o)
	}
	for _, k := range risk.TermKinds {
		f.Terms = append(f.Terms, termField{termFieldName(k), termWords[k], termHints[k], f.Values[termFieldName(k)]})
	}
	if f.Wrong == nil {
		f.Wrong = map[string]string{}
	}
	for _, name := range supplierFormFields() {
		f.Wrong[name] += ""
	}
	return p.render(c, status, "supplier_form", f)
}

func supplierValues(s risk.Supplier) map[string]string {
	v := map[string]string{"name": s.Name, "kind": s.Kind, "relation": string(s.Relation), "patient_data": string(s.PatientData), "owner_name": s.Owner.Name,
		"owner_email": s.Owner.Email, "contact_name": s.Contact.Name, "contact_email": s.Contact.Email, "baa_signed": dateValue(s.BAASigned), "contract_end": dateValue(s.ContractEnd)}
	if s.Tier > 0 {
		v["tier"] = strconv.Itoa(int(s.Tier))
	}
	if s.Employees > 0 {
		v["employees"] = strconv.Itoa(s.Employees)
	}
	for _, t := range s.Terms {
		v[termFieldName(t.Kind)] += t.Value + "\n"
	}
	return v
}

func dateValue(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

// parseSupplier reads the form into a supplier that keeps what the form does not hold, with every problem found.
func parseSupplier(form url.Values, old risk.Supplier) (risk.Supplier, []error) {
	var problems []error
	get := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	s := old
	s.Name, s.Kind, s.Relation, s.PatientData = get("name"), get("kind"), risk.Relation(get("relation")), risk.Answer(get("patient_data"))
	s.Owner = risk.Person{Name: get("owner_name"), Email: get("owner_email")}
	s.Contact = risk.Person{Name: get("contact_name"), Email: get("contact_email")}
	s.Tier, s.Employees, s.BAASigned, s.ContractEnd, s.Terms = 0, 0, nil, nil, nil
	if t := get("tier"); t != "" {
		n, err := strconv.Atoi(t)
		if err != nil {
			n = -1 // Validate says what a tier may be
		}
		s.Tier = risk.Tier(n)
	}
	if t := get("employees"); t != "" {
		n, err := strconv.Atoi(t)
		if err != nil || n < 0 || n > 10_000_000 {
			problems = append(problems, risk.Invalid("employees", "Write the number of employees in digits, or leave it empty."))
		}
		s.Employees = max(n, 0)
	}
	if s.PatientData != risk.Unknown && s.PatientData != risk.Yes && s.PatientData != risk.No {
		problems = append(problems, risk.Invalid("patient_data", "Choose yes, no or not known."))
	}
	for _, day := range []struct {
		name string
		to   **time.Time
	}{{"baa_signed", &s.BAASigned}, {"contract_end", &s.ContractEnd}} {
		typed := get(day.name)
		if typed == "" {
			continue
		}
		d, err := time.Parse(time.DateOnly, typed)
		if err != nil {
			problems = append(problems, risk.Invalid(day.name, "Write the date as 2026-11-24."))
			continue
		}
		*day.to = &d
	}
	if old.ID != 0 {
		seen, err := strconv.ParseInt(form.Get("seen"), 10, 64)
		if err != nil {
			problems = append(problems, risk.Invalid("", "The form is incomplete; open the supplier again."))
		}
		s.Updated = time.UnixMicro(seen)
	}
	terms, wrong := parseTerms(form)
	s.Terms = terms
	return s, append(append(s.Validate(), problems...), wrong...)
}

// parseTerms reads one term a line from each kind's field; the same term twice counts once.
func parseTerms(form url.Values) (terms []risk.WatchTerm, problems []error) {
	seen := map[risk.WatchTerm]bool{}
	for _, kind := range risk.TermKinds {
		name := termFieldName(kind)
		for i, line := range strings.Split(form.Get(name), "\n") {
			if strings.TrimSpace(line) == "" {
				continue
			}
			t, err := risk.NewWatchTerm(kind, line)
			if err != nil {
				var pr risk.Problem
				if errors.As(err, &pr) {
					err = risk.Invalid(name, "Line %d: %s", i+1, pr.Say)
				}
				problems = append(problems, err)
				continue
			}
			if !seen[t] {
				seen[t] = true
				terms = append(terms, t)
			}
		}
	}
	return terms, problems
}
