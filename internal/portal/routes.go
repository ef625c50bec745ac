package portal

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// policy lists the actions of which a visitor must be allowed at least one. An empty policy lets nobody in.
type policy []risk.Action

const (
	anyone   risk.Action = "anyone"
	signedIn risk.Action = "signed_in" // whatever the role
)

func (po policy) allows(a risk.Actor) bool {
	return slices.ContainsFunc(po, func(do risk.Action) bool {
		return do == anyone || (do == signedIn && a.Known()) || risk.Can(a, do)
	})
}

type route struct {
	method string
	path   string
	may    policy
	page   bool // a page that a person opens; the browser suite visits every one
	do     func(*gin.Context) error
}

// routes is every address of the portal with who may use it.
func (p *portal) routes() []route {
	get, post := http.MethodGet, http.MethodPost
	rs := []route{
		{get, "/healthz", policy{anyone}, false, p.health},
		{get, "/readyz", policy{anyone}, false, p.ready},
		{get, "/static/*name", policy{anyone}, false, p.staticFile},
		{post, "/csp-report", policy{anyone}, false, p.cspReport},

		{get, "/login", policy{anyone}, true, p.signInPage},
		{post, "/login", policy{anyone}, false, p.signIn},
		{post, "/logout", policy{signedIn}, false, p.signOut},
		{post, "/theme", policy{anyone}, false, p.setTheme},
		{get, "/profile", policy{signedIn}, true, p.profilePage},
		{post, "/profile", policy{signedIn}, false, p.saveProfile},

		{get, "/", policy{risk.ActViewOverview}, true, p.overviewPage},
		{get, "/search", policy{risk.ActViewSuppliers, risk.ActViewExposures}, true, p.searchPage},

		{get, "/inbox", policy{risk.ActViewExposures}, true, p.inboxPage},
		{post, "/inbox/bulk", policy{risk.ActTriage}, false, p.bulkChange},
		{get, "/exposures/:id", policy{risk.ActViewExposures}, true, p.exposurePage},
		{post, "/exposures/:id/change", policy{risk.ActTriage}, false, p.changeExposure},

		{get, "/suppliers", policy{risk.ActViewSuppliers}, true, p.suppliersPage},
		{get, "/suppliers/export", policy{risk.ActViewSuppliers}, false, p.exportSuppliers},
		{get, "/suppliers/import", policy{risk.ActEditSuppliers}, true, p.importPage},
		{post, "/suppliers/import", policy{risk.ActEditSuppliers}, false, p.importWatchlist},
		{get, "/suppliers/new", policy{risk.ActEditSuppliers}, true, p.newSupplierPage},
		{post, "/suppliers/new", policy{risk.ActEditSuppliers}, false, p.createSupplier},
		{get, "/suppliers/:id", policy{risk.ActViewSuppliers}, true, p.supplierPage},
		{get, "/suppliers/:id/edit", policy{risk.ActEditSuppliers}, true, p.editSupplierPage},
		{post, "/suppliers/:id/edit", policy{risk.ActEditSuppliers}, false, p.updateSupplier},

		{get, "/sources", policy{risk.ActViewSources}, true, p.sourcesPage},
		{get, "/sources/:key", policy{risk.ActViewSources}, true, p.sourcePage},
		{post, "/sources/:key/cookies", policy{risk.ActManageSources}, false, p.giveCookies},
		{post, "/sources/:key/forget", policy{risk.ActManageSources}, false, p.forgetCookies},
		{post, "/sources/:key/pause", policy{risk.ActManageSources}, false, p.pauseSource},
		{post, "/sources/:key/resume", policy{risk.ActManageSources}, false, p.resumeSource},
		{post, "/sources/:key/run", policy{risk.ActManageSources}, false, p.runSource},

		{get, "/dumps", policy{risk.ActViewSources}, true, p.dumpsPage},
		{get, "/dumps/:id", policy{risk.ActViewSources}, true, p.dumpPage},
		{post, "/dumps/:id/cancel", policy{risk.ActManageSources}, false, p.cancelDump},
		{post, "/dumps/:id/resume", policy{risk.ActManageSources}, false, p.resumeDump},
	}
	rs = append(rs, p.apiRoutes()...)
	if p.DemoToken != "" {
		rs = append(rs, route{get, "/demo/:token", policy{anyone}, false, p.demoSignIn})
	}
	if p.Mailbox != nil {
		rs = append(rs, route{get, "/demo/mailbox", policy{signedIn}, true, p.mailboxPage})
	}
	return rs
}

// Pages lists the pattern of every page that a person can open, the demo's included. A suite that visits pages takes
// its list from here, so that none is forgotten.
func Pages() []string {
	p := &portal{Config: Config{Demo: true}, Deps: Deps{Mailbox: func() []Mail { return nil }}}
	var pages []string
	for _, r := range p.routes() {
		if r.page {
			pages = append(pages, r.path)
		}
	}
	return pages
}
