package catalog

import (
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/wardline/wardline/internal/risk"
)

func (r *reader) login(n ast.Node, l *risk.Login) map[string]int {
	return r.mapping(n, "login.", keys{
		"address":  r.text(&l.Address),
		"page":     r.text(&l.Page),
		"user":     r.text(&l.User),
		"password": r.text(&l.Password),
		"expect":   r.element(&l.Expect),
	})
}

// checkLogin holds the only thing that a source is ever sent to its own hosts, and asks for who approved it.
func (r *reader) checkLogin(s risk.Source, at places) {
	if at.top["login"] == 0 {
		return
	}
	if !s.MayHaveSession() {
		r.problem(at.top["login"], "A source of the kind %s has no log-in form.", s.Kind)
		return
	}
	if s.Approval == "" {
		r.problem(at.top["login"], `An account at a source needs the id of its written approval: "approval".`)
	}
	if s.Login.Address == "" {
		r.problem(at.top["login"], `The key "login.address" is required: where the form is sent.`)
	}
	for key, address := range map[string]string{"address": s.Login.Address, "page": s.Login.Page} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		home, homeErr := url.Parse(s.Address)
		switch {
		case homeErr != nil:
		case err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil:
			r.problem(at.login[key], "login.%s must be a whole http or https address.", key)
		case !slices.Contains(s.Hosts(), strings.ToLower(u.Hostname())):
			r.problem(at.login[key], "login.%s leads to %s, which is not one of the source's hosts.", key, u.Hostname())
		case home.Scheme == "https" && u.Scheme == "http":
			r.problem(at.login[key], "login.%s would send the account in clear; the source is on https.", key)
		case u.Scheme == "http" && !isOnion(u.Hostname()) && !risk.IsLoopback(u.Hostname()):
			r.problem(at.login[key], "login.%s would send the account in clear; use https or an onion address.", key)
		}
	}
}
