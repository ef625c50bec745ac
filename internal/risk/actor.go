package risk

import (
	"slices"
	"time"
)

// Role is what a user is to Wardline.
type Role string

const (
	RoleAnalyst     Role = "analyst"
	RoleProcurement Role = "procurement"
	RoleCISO        Role = "ciso"
	RoleAuditor     Role = "auditor"
	RoleAdmin       Role = "admin"
	RoleRespondent  Role = "respondent" // a supplier's; sees its own assessments only
)

// Roles are all roles, in the order in which documentation lists them.
var Roles = []Role{RoleAnalyst, RoleProcurement, RoleCISO, RoleAuditor, RoleAdmin, RoleRespondent}

// User is a person who signs in.
type User struct {
	ID           int64
	Email        string // lower case
	Name         string
	Role         Role
	PasswordHash string // argon2id in PHC form; never shown
	Disabled     bool
	LastSignIn   time.Time // zero = never
	Created      time.Time
}

// Actor is who is asking: a person, or a program with a token. The zero Actor may do nothing.
type Actor struct {
	UserID  int64 // 0 = not a person
	TokenID int64 // 0 = not a program
	Name    string
	Role    Role
}

// Known reports whether anybody is asking at all.
func (a Actor) Known() bool { return a.UserID != 0 || a.TokenID != 0 }

// Action is something that a role may or may not do.
type Action string

const (
	ActViewOverview  Action = "view_overview"
	ActViewExposures Action = "view_exposures"
	ActViewAccounts  Action = "view_accounts" // whole account names; nobody can reset "j•••"
	ActTriage        Action = "triage"
	ActViewSuppliers Action = "view_suppliers"
	ActEditSuppliers Action = "edit_suppliers"
	ActViewSources   Action = "view_sources"
	ActManageSources Action = "manage_sources" // pause, run now
)

// may is the whole policy; what is not listed is forbidden.
var may = map[Action][]Role{
	ActViewOverview:  {RoleAnalyst, RoleProcurement, RoleCISO, RoleAuditor, RoleAdmin},
	ActViewExposures: {RoleAnalyst, RoleCISO, RoleAuditor},
	ActViewAccounts:  {RoleAnalyst, RoleCISO},
	ActTriage:        {RoleAnalyst, RoleCISO},
	ActViewSuppliers: {RoleAnalyst, RoleProcurement, RoleCISO, RoleAuditor},
	ActEditSuppliers: {RoleAnalyst, RoleProcurement, RoleCISO},
	ActViewSources:   {RoleAnalyst, RoleAdmin, RoleAuditor},
	ActManageSources: {RoleAdmin, RoleAnalyst},
}

// Can reports whether an actor may do something. It denies by default.
func Can(a Actor, do Action) bool {
	return a.Known() && slices.Contains(may[do], a.Role)
}

// Validate checks a person that was typed.
func (u User) Validate() error {
	if !looksLikeAddress(u.Email) {
		return Invalid("email", "%q is not an e-mail address.", u.Email)
	}
	return u.Role.validate()
}

// validate checks a role that was typed; a respondent's is not given by hand.
func (r Role) validate() error {
	if slices.Contains(Roles, r) && r != RoleRespondent {
		return nil
	}
	return Invalid("role", "%q is not a role; the roles are analyst, procurement, ciso, auditor and admin.", string(r))
}
