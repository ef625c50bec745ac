package portal

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types app-fragment; " +
	"report-uri /csp-report; report-to csp"

// withHeaders sets what every answer of the portal tells the browser to refuse.
func (p *portal) withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Reporting-Endpoints", `csp="/csp-report"`)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()")
		h.Set("Cache-Control", "no-store")
		if p.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

func (p *portal) denyCrossOrigin(w http.ResponseWriter, r *http.Request) {
	p.plainError(w, r, http.StatusForbidden, "Refused", "The request came from another site, so nothing was changed.")
}

// reportCount counts policy reports since the start.
type reportCount struct{ n atomic.Int64 }

// cspReport counts a browser's policy report and logs what was refused. Only names of directives and our own paths are
// logged: a report can quote the page.
func (p *portal) cspReport(c *gin.Context) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, 64<<10))
	if err != nil {
		c.Status(http.StatusRequestEntityTooLarge)
		return nil
	}
	for _, directive := range reportedDirectives(body) {
		p.Log.Warn("policy report", "directive", directive, "count", p.reports.n.Add(1))
	}
	c.Status(http.StatusNoContent)
	return nil
}

// reportedDirectives reads both forms that browsers send: report-uri's single object and the Reporting API's list.
func reportedDirectives(body []byte) []string {
	var single struct {
		Report struct {
			Effective string `json:"effective-directive"`
			Violated  string `json:"violated-directive"`
		} `json:"csp-report"`
	}
	if json.Unmarshal(body, &single) == nil && single.Report.Effective+single.Report.Violated != "" {
		return []string{directiveName(single.Report.Effective + " " + single.Report.Violated)}
	}
	var list []struct {
		Type string `json:"type"`
		Body struct {
			Effective string `json:"effectiveDirective"`
		} `json:"body"`
	}
	if json.Unmarshal(body, &list) != nil {
		return nil
	}
	var names []string
	for _, r := range list {
		if r.Type == "csp-violation" {
			names = append(names, directiveName(r.Body.Effective))
		}
	}
	return names
}

func directiveName(s string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	for _, r := range name {
		if (r < 'a' || r > 'z') && r != '-' {
			return "unreadable"
		}
	}
	return name[:min(len(name), 40)]
}
