package risk

import "fmt"

// Steps is what to do next about an exposure of supplier s, in order, for somebody who reads it at night. The page and
// the mail show the same.
func (e Exposure) Steps(s Supplier) []string {
	switch e.Kind {
	case KindCredential:
		return credentialSteps(s, e)
	case KindCookie:
		return []string{
			s.tell(),
			s.orHave("End all sessions of this account; a new password alone does not end a stolen session.",
				"Have all sessions of this account ended; a new password alone does not end a stolen session."),
			e.checkLogs("for use of this session"),
		}
	case KindSecretKey:
		return []string{
			s.tell(),
			s.orHave("Revoke and replace the key.", "Have the key revoked and replaced."),
			e.checkLogs("for use of the key"),
		}
	case KindVictimClaim:
		return []string{
			"Treat the claim as unproven: leak sites also publish false ones.",
			s.tell() + " Ask what happened, since when, and whether your data is part of it.",
			"Decide whether the access that it holds in your network stays open meanwhile.",
		}
	case KindPatientData:
		return []string{
			"Tell your privacy officer now: time limits for notification may have begun.",
			s.tell(),
			"Do not fetch the data to look at it; what was seen is recorded.",
		}
	}
	return []string{
		"Read the excerpt in Wardline; do not visit the place itself.",
		"Judge whether it means this organisation, and confirm or dismiss it with a reason.",
		s.tell(),
	}
}

func credentialSteps(s Supplier, e Exposure) []string {
	switch e.Class {
	case ClassThirdParty:
		return []string{
			s.tell(),
			s.orHave("Change the password at that other place, and everywhere else it was used.",
				"Have the password changed at that other place, and everywhere else it was used."),
			e.checkLogs("for sign-ins of this account"),
		}
	case ClassCustomer:
		return []string{
			"If the account belongs to one of your people, reset its password and end its sessions.",
			s.tell() + " The account is one of its users'.",
			e.checkLogs("for sign-ins through this service"),
		}
	}
	return []string{
		s.tell(),
		s.orHave("Reset the password of this account and end its sessions.",
			"Have the password of this account reset and its sessions ended."),
		e.checkLogs("for this account"),
	}
}

// StepsForMany is what to do next about many credentials of the supplier at once.
func (s Supplier) StepsForMany() []string {
	return []string{
		s.tell() + " Send one list, not one message an account.",
		s.orHave("Reset the passwords of all these accounts and end their sessions.",
			"Have the passwords of all these accounts reset and their sessions ended."),
		"Check your own logs for these accounts since the earliest date on the list.",
	}
}

// tell says whom to speak to, by a way that whoever holds the account cannot read along.
func (s Supplier) tell() string {
	if s.Relation == FirstParty {
		return "Tell the owner of the account or system by telephone or in person."
	}
	if s.Contact.Name != "" {
		return fmt.Sprintf("Tell %s at %s by a channel that you already know.", s.Contact.Name, s.Name)
	}
	return fmt.Sprintf("Tell the contact at %s by a channel that you already know.", s.Name)
}

func (s Supplier) orHave(own, theirs string) string {
	if s.Relation == FirstParty {
		return own
	}
	return theirs
}

func (e Exposure) checkLogs(what string) string {
	since := e.Observed
	if since.IsZero() {
		since = e.FirstSeen
	}
	if since.IsZero() {
		return fmt.Sprintf("Check your own logs %s.", what)
	}
	return fmt.Sprintf("Check your own logs %s since %s.", what, since.UTC().Format("2 January 2006"))
}
