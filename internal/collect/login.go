package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// logsIn reports that a failure is a log-in form which the definition tells how to fill in, and which this run has not.
func (r *run) logsIn(err error) bool {
	var fetch *risk.FetchError
	return errors.As(err, &fetch) && fetch.Kind == risk.FailLogin && r.src.Login.Declared() && !r.loggedIn
}

// logIn fills in the declared form, once a run. What is sent goes to the declared address alone, wherever the form on the
// page leads. An account that was refused is not sent again until it, or the session, is another: three wrong ones lock it.
func (r *run) logIn(ctx context.Context) error {
	r.loggedIn = true
	account, ok := r.account(r.src.Key)
	if !ok {
		return r.noLogin(errors.New("no account is set for it"))
	}
	digest := digestOf(account.User, account.Password.Reveal())
	if r.session.refused == digest {
		return r.noLogin(risk.ErrAccountRefused)
	}
	at, form, err := r.loginForm(ctx)
	if err != nil {
		return err
	}
	values, err := r.filled(form, account)
	if err != nil {
		return r.noLogin(err)
	}
	answer, err := r.send(ctx, at, values)
	if err != nil {
		return err
	}
	if err := r.admitted(answer); err != nil {
		if errors.Is(err, risk.ErrAccountRefused) {
			r.session.refused, r.session.changed = digest, true
		}
		return err
	}
	return nil
}

func (r *run) noLogin(why error) error {
	return &risk.FetchError{Kind: risk.FailLogin, URL: r.src.Login.Address, Err: why}
}

// loginForm fetches the page of the form, and gives the form with the address to which it is sent.
func (r *run) loginForm(ctx context.Context) (*url.URL, *goquery.Selection, error) {
	address := r.src.Login.Page
	if address == "" {
		address = r.src.Login.Address
	}
	to, err := url.Parse(r.src.Login.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("read the address of the log-in form: %w", err)
	}
	at, err := url.Parse(address)
	if err != nil {
		return nil, nil, fmt.Errorf("read the page of the log-in form: %w", err)
	}
	p, err := r.fetch(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	if p.doc == nil {
		return nil, nil, r.noLogin(errors.New("the page of the log-in form is not HTML"))
	}
	form := p.doc.FindMatcher(passwordField).First().Closest("form")
	if form.Length() == 0 {
		return nil, nil, r.noLogin(errors.New("there is no log-in form on its page"))
	}
	if asksForHuman(form) {
		return nil, nil, p.failure(risk.FailCaptcha, errors.New("the log-in form holds a captcha"))
	}
	if leads, ok := p.resolve(form.AttrOr("action", p.url.String())); !ok || hostname(leads.Hostname()) != hostname(to.Hostname()) || leads.Path != to.Path {
		return nil, nil, r.noLogin(errors.New("the log-in form leads to another address than the declared one"))
	}
	return to, form, nil
}

// asksForHuman reports a form that a person must fill in.
func asksForHuman(form *goquery.Selection) bool {
	text, err := form.Html()
	return err != nil || looksLikeCaptcha([]byte(text)) || form.Find(`input[name*="captcha" i], input[name*="vcode" i], input[name*="humanverify" i]`).Length() > 0
}

// mostFields is more than any log-in form has.
const mostFields = 100

// filled are the form's own hidden fields, which carry its token, with the account in the fields that the definition names.
func (r *run) filled(form *goquery.Selection, account risk.Account) (url.Values, error) {
	values := url.Values{}
	user, password := r.src.Login.User, r.src.Login.Password
	text := ""
	for _, field := range form.Find("input[name], button[name]").EachIter() {
		name := field.AttrOr("name", "")
		if len(values) >= mostFields {
			return nil, errors.New("the log-in form has too many fields")
		}
		switch strings.ToLower(field.AttrOr("type", "text")) {
		case "hidden":
			values.Set(name, field.AttrOr("value", ""))
		case "submit":
			values.Set(name, field.AttrOr("value", ""))
		case "text", "email", "username":
			text = name
		case "password":
			if password == "" {
				password = name
			}
			if user == "" {
				user = text
			}
		case "checkbox":
			if _, on := field.Attr("checked"); on {
				values.Set(name, field.AttrOr("value", "on"))
			}
		}
	}
	if user == "" || password == "" || !hasField(form, user) || !hasField(form, password) {
		return nil, errors.New("the log-in form has no such fields for the account as declared")
	}
	values.Set(user, account.User)
	values.Set(password, account.Password.Reveal())
	return values, nil
}

func hasField(form *goquery.Selection, name string) bool {
	return form.Find("input[name]").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("name", "") == name }).Length() > 0
}

// send is the only request of this program that carries anything but an address.
func (r *run) send(ctx context.Context, to *url.URL, values url.Values) (*page, error) {
	r.transport.gate.form = to
	defer func() { r.transport.gate.form = nil }()
	return r.request(ctx, http.MethodPost, to, strings.NewReader(values.Encode()))
}

func kindOf(err error) risk.FailureKind {
	var fetch *risk.FetchError
	if errors.As(err, &fetch) {
		return fetch.Kind
	}
	return ""
}

// admitted reads what the form was answered with: the page behind it, or the form again.
func (r *run) admitted(p *page) error {
	switch {
	case r.src.Login.Expect != "" && p.has(r.src.Login.Expect):
		return nil
	case looksLikeCaptcha(p.body):
		return p.failure(risk.FailCaptcha, errors.New("the log-in was answered with a captcha"))
	case kindOf(p.notice()) == risk.FailSlow, kindOf(p.notice()) == risk.FailBanned:
		return p.notice()
	case r.src.Login.Expect != "", p.doc != nil && p.doc.FindMatcher(passwordField).Length() > 0:
		return p.failure(risk.FailLogin, risk.ErrAccountRefused)
	}
	return nil
}
