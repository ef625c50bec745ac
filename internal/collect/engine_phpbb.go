package collect

import "net/url"

// prosilver is phpBB 3, from 3.0 to 3.3, in its default style.
var prosilver engine = &markup{
	key:   "phpbb",
	signs: `body#phpbb, #page-footer .copyright a[href*="phpbb.com"]`,

	boardLinks: `a.forumtitle, .forabg a.subforum`,

	list:    `ul.topiclist.topics > li.row`,
	link:    `a.topictitle`,
	replies: `dd.posts`,
	last:    `dd.lastpost a[href*="#p"]`,
	empty:   `.action-bar ~ .panel > .inner > strong, .topic-actions ~ .panel > .inner > strong`,
	message: `#message, .panel > .inner > strong`,

	post:       `div.post[id^="p"]:has(.postbody)`,
	body:       `.content`,
	id:         `@id`,
	anchor:     "p",
	author:     `.author .username, .author .username-coloured, .author strong`,
	date:       `.author time, .author`,
	edited:     `.notice:not(.post_deleted_msg):not(:has(br:first-child))`,
	attachment: `.attachbox a.postlink, .attachbox dl.thumbnail img, .attachbox .attach-image img`,
	hidden:     `.post.deleted, .post:has(.ignore)`,
	anatomy: anatomy{quote: `blockquote`, quoteAuthor: `cite`, quoteHead: `cite`, code: `.codebox code, dl.codebox pre`,
		attachment: `.inline-attachment a.postlink, .inline-attachment .thumbnail img, .inline-attachment .attach-image img`, noise: `.codebox > p, .codebox > dt, .inline-attachment`},

	nextPage: `.pagination li.next a[rel="next"], .pagination li.arrow.next a, .display-options a.right-box`,
	same:     samePhpBB,
}

// subsilver2 is phpBB 3.0 and 3.1 in the style that came beside the default one.
var subsilver2 engine = &markup{
	key:   "phpbb",
	signs: `#wrapheader, #wrapcentre, #wrapfooter a[href*="phpbb.com"]`,

	boardLinks: `a.forumlink, p.forumdesc a.subforum`,

	list:    `table.tablebg tr:has(a.topictitle)`,
	link:    `a.topictitle`,
	replies: `p.topicdetails`,
	last:    `p.topicdetails a[href*="#p"]`,
	empty:   `table.tablebg td.row1[colspan] > span.gen`,
	message: `table.tablebg td.row1 > p.gen, table.tablebg td.row1 > span.gen`,

	post:       `table.tablebg:has(a[name^="p"])`,
	body:       `.postbody`,
	id:         `a[name^="p"] @name`,
	anchor:     "p",
	author:     `.postauthor`,
	date:       `td.gensmall > div + div`,
	edited:     `.postbody ~ span.gensmall:not(.error):not(:has(br)), .postbody ~ table.tablebg td.row3 > span.gensmall`,
	attachment: `.postbody ~ table.tablebg a[href*="download/file.php"]:not(:has(img)), .postbody ~ table.tablebg img[src*="download/file.php"]`,
	hidden:     `table.tablebg:not(:has(.postauthor))`,
	anatomy: anatomy{quote: `.quotecontent`, quoteTitle: `.quotetitle`, code: `.codecontent`, attachment: `.attachcontent a[href*="download/file.php"], .attachcontent img[src*="download/file.php"]`,
		noise: `.codetitle, .attachtitle, .attachcontent`},

	nextPage: `td.gensmall[nowrap] strong ~ a[href*="start="]`,
	same:     samePhpBB,
}

// samePhpBB gives a board and a thread one address each: f, the board, and view say nothing of which thread it is.
func samePhpBB(u *url.URL) {
	switch {
	case u.Query().Has("t"):
		onlyQuery(u, "t", "start")
	case u.Query().Has("f"):
		onlyQuery(u, "f", "start")
	}
}
