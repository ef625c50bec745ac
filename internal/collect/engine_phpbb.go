package collect

import "net/url"

// phpBB is phpBB 3 in its style prosilver.
var phpBB engine = &markup{
	key:   "phpbb",
	signs: `body#phpbb, #page-footer .copyright a[href*="phpbb.com"], form[action*="ucp.php?mode=login"]`,

	boardLinks: `a.forumtitle, .list-inner a.subforum, .forabg a.subforum`,

	list:    `ul.topiclist.topics > li.row`,
	link:    `a.topictitle`,
	replies: `dd.posts`,
	last:    `dd.lastpost a[href*="#p"]`,
	empty:   `body.section-viewforum .panel > .inner > strong`,

	post:       `div.post[id^="p"]:has(.postbody)`,
	body:       `.content`,
	id:         `@id`,
	anchor:     "p",
	author:     `.author .username, .author .username-coloured`,
	date:       `.author time, .author`,
	edited:     `.notice`,
	attachment: `dl.attachbox a.postlink, dl.attachbox dl.thumbnail dd > a, dl.attachbox dt.attach-image img`,
	anatomy: anatomy{quote: `blockquote`, quoteAuthor: `cite`, quoteHead: `cite`, code: `.codebox code`,
		attachment: `.inline-attachment a.postlink`, noise: `.codebox > p, .inline-attachment`},

	nextPage: `.pagination li.next a[rel="next"], .pagination li.arrow.next a, .pagination a.right-box`,
	same: func(u *url.URL) {
		switch {
		case u.Query().Has("t"):
			onlyQuery(u, "t", "start") // f, the board, and view say nothing of which thread it is
		case u.Query().Has("f"):
			onlyQuery(u, "f", "start")
		}
	},
}
