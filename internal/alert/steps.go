package alert

import (
	"fmt"

	"github.com/wardline/wardline/internal/risk"
)

// steps is what to do next, in order, for somebody who reads it at night.
func steps(s risk.Supplier, e risk.Exposure) []string {
	switch e.Kind {
	case risk.KindCredential:
		return append(credentialSteps(s, e), closing)
	case risk.KindCookie:
		return []string{
			tell(s),
			orHave(s, "End all sessions of this account; a new password alone does not end a stolen session.",
				"Have all sessions of this account ended; a new password alone does not end a stolen session."),
			checkLogs("for use of this session", e),
			closing,
		}
	case risk.KindSecretKey:
		return []string{
			tell(s),
			orHave(s, "Revoke and replace the key.", "Have the key revoked and replaced."),
			checkLogs("for use of the key", e),
			closing,
		}
	case risk.KindVictimClaim:
		return []string{
			"Treat the claim as unproven: leak sites also publish false ones.",
			tell(s) + " Ask what happened, since when, and whether your data is part of it.",
			"Decide whether the access that it holds in your network stays open meanwhile.",
			closing,
		}
	case risk.KindPatientData:
		return []string{
			"Tell your privacy officer now: time limits for notification may have begun.",
			tell(s),
			"Do not fetch the data to look at it; what was seen is recorded.",
			closing,
		}
	}
	return []string{
		"Read the excerpt in Wardline; do not visit the place itself.",
		"Judge whether it means this organisation, and confirm or dismiss it with a reason.",
		tell(s),
	}
}

const closing = "Record in Wardline what was done, so that the next reader knows."

func credentialSteps(s risk.Supplier, e risk.Exposure) []string {
	name := "Open it in Wardline to see the whole account name."
	switch e.Class {
	case risk.ClassThirdParty:
		return []string{
			name, tell(s),
			orHave(s, "Change the password at that other place, and everywhere else it was used.",
				"Have the password changed at that other place, and everywhere else it was used."),
			checkLogs("for sign-ins of this account", e),
		}
	case risk.ClassCustomer:
		return []string{
			name,
			"If the account belongs to one of your people, reset its password and end its sessions.",
			tell(s) + " The account is one of its users'.",
			checkLogs("for sign-ins through this service", e),
		}
	}
	return []string{
		name, tell(s),
		orHave(s, "Reset the password of this account and end its sessions.",
			"Have the password of this account reset and its sessions ended."),
		checkLogs("for this account", e),
	}
}

// tell says whom to speak to, by a way that whoever holds the account cannot read along.
func tell(s risk.Supplier) string {
	if s.Relation == risk.FirstParty {
		return "Tell the owner of the account or system by telephone or in person."
	}
	if s.Contact.Name != "" {
		return fmt.Sprintf("Tell %s at %s by a channel that you already know.", s.Contact.Name, s.Name)
	}
	return fmt.Sprintf("Tell the contact at %s by a channel that you already know.", s.Name)
}

func orHave(s risk.Supplier, own, theirs string) string {
	if s.Relation == risk.FirstParty {
		return own
	}
	return theirs
}

func checkLogs(what string, e risk.Exposure) string {
	since := e.Observed
	if since.IsZero() {
		since = e.FirstSeen
	}
	if since.IsZero() {
		return fmt.Sprintf("Check your own logs %s.", what)
	}
	return fmt.Sprintf("Check your own logs %s since %s.", what, since.UTC().Format("2 January 2006"))
}

func digestSteps(s risk.Supplier) []string {
	return []string{
		"Open the list in Wardline, most urgent first; it holds the whole account names.",
		tell(s) + " Send one list, not one message an account.",
		orHave(s, "Reset the passwords of all these accounts and end their sessions.",
			"Have the passwords of all these accounts reset and their sessions ended."),
		"Check your own logs for these accounts since the earliest date on the list.",
		closing,
	}
}
