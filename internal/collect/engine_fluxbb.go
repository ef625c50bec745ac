package collect

import "net/url"

// fluxBB is FluxBB 1.4 and 1.5 in their default style, and PunBB 1.2, from which these come.
var fluxBB engine = &markup{
	key:   "fluxbb",
	signs: `.pun[id^="pun"], #punwrap, #brdfooter a[href*="fluxbb.org"]`,

	boardLinks: `[id^="idx"] tr:not(.iredirect) .tclcon h3 > a`,

	list:    `#vf tbody tr:not(.imoved):has(.tclcon a)`,
	link:    `.tclcon a`,
	replies: `td.tc2`,
	last:    `td.tcr a`,
	empty:   `#vf tr.inone, #vf tr.imoved`,
	message: `#msg .inbox, #punmaint .inbox`,

	post:    `.blockpost[id^="p"]`,
	body:    `.postright .postmsg`,
	id:      `@id`,
	anchor:  "p",
	author:  `.postleft dt strong`,
	date:    `h2 a`,
	edited:  `.postedit`,
	anatomy: anatomy{quote: `.quotebox`, quoteAuthor: `cite`, quoteHead: `cite`, code: `.codebox code`, noise: `.postedit`},

	nextPage: `.pagelink a[rel="next"], .pagelink strong + a`,
	same:     sameFluxBB,
}

// punBB is PunBB 1.3 and 1.4 in their default style.
var punBB engine = &markup{
	key:   "fluxbb",
	signs: `#brd-wrap.brd, .brd-page[id^="brd-"], #brd-about a[href*="punbb.informer.com"]`,

	boardLinks: `.main-category .main-item:not(.redirect) .item-subject h3 > a:not(.external)`,

	list:    `.main-forum .main-item:not(.empty):not(.moved)`,
	link:    `.item-subject h3 > a`,
	replies: `.info-replies`,
	last:    `.info-lastpost a`,
	empty:   `.main-forum .main-item.empty, .main-forum .main-item.moved`,
	message: `.main-message, #brd-maint .main-content, #brd-redir .main-content`,

	post:       `.main-topic > .post`,
	body:       `.entry-content`,
	id:         `.posthead @id`,
	anchor:     "p",
	author:     `.author-ident .username`,
	date:       `.post-link a`,
	edited:     `.lastedit`,
	attachment: `.attachments a[href*="pun_attachment"]`,
	anatomy: anatomy{quote: `.quotebox`, quoteAuthor: `cite`, quoteHead: `cite`, code: `.codebox code`,
		noise: `.lastedit, .sig-content, .attachments`},

	nextPage: `head link[rel="next"], .paging strong ~ a`,
	same:     sameFluxBB,
}

func sameFluxBB(u *url.URL) {
	if u.Query().Has("id") {
		onlyQuery(u, "id", "p")
	}
}
