// Package web owns what the portal and the mails are drawn with: page templates, mail templates and static files,
// carried inside the binary.
package web

import "embed"

// Templates holds the portal's pages below "templates/". The all: prefix keeps files whose names begin with "_".
//
//go:embed all:templates
var Templates embed.FS

// Static holds style sheet, script and icons below "static/".
//
//go:embed all:static
var Static embed.FS

// Email holds the mail templates below "email/".
//
//go:embed all:email
var Email embed.FS
