// Package seeds holds the definitions that ship inside the binary: sources, scoring weights, questionnaires and the
// demo's invented hospital. They are data; the packages that read them refuse unknown keys.
package seeds

import "embed"

//go:embed all:sources all:scoring all:demo all:questionnaires
var FS embed.FS
