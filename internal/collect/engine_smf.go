package collect

import (
	"net/url"
	"regexp"
)

// smf21 is SMF 2.1 in its default theme.
var smf21 engine = &markup{
	key:   "smf",
	signs: `#smf_footer, #topic_container, .boardindex_table .up_contain, #chrome > #footer a[href*="action=credits"], #footer .copyright a[href*="simplemachines.org"]`,

	boardLinks: `.boardindex_table a.subject, .children a[href*="board"]:not(.new_posts)`,

	list:    `#topic_container > div`,
	link:    `[id^="msg_"] > a`,
	replies: `.board_stats`,
	last:    `.lastpost a[href*="#"]`,
	empty:   `#messageindex #topic_header > h3`,
	message: `#fatal_error, #maintenance_mode, .noticebox.fatal`,

	post:       `#forumposts .post_wrapper`,
	body:       `.inner[id^="msg_"]`,
	id:         `.inner[id^="msg_"] @id`,
	anchor:     "msg",
	author:     `.poster h4 a[href*="action=profile"], .poster h4`,
	date:       `.postinfo a.smalltext`,
	edited:     `.modified`,
	attachment: `.attached .attachments_bot > a[href*="dlattach"]`,
	anatomy: anatomy{quote: `blockquote`, quoteAuthor: `cite`, quoteHead: `cite`, code: `code.bbc_code`,
		attachment: `.attachments_bot > a[href*="dlattach"]`, noise: `.codeheader, .attached`},

	nextPage: `.pagelinks .current_page ~ a.nav_page`,
	same:     sameSMF,
}

// smf20 is SMF 2.0 in its default theme, Curve.
var smf20 engine = &markup{
	key:   "smf",
	signs: `#footer_section .copyright a[href*="simplemachines.org"], #header a#smflogo, #header img#smflogo, #boardindex_table table.table_list, #messageindex table.table_grid`,

	boardLinks: `table.table_list a.subject, .children a[href*="board"]`,

	list:    `#messageindex tbody tr:has(td.subject)`,
	link:    `td.subject [id^="msg_"] a`,
	replies: `td.stats`,
	last:    `td.lastpost a[href*="#"]`,
	empty:   `#messageindex thead th strong`,
	message: `#fatal_error, #maintenance_mode, .login ~ .information`,

	post:       `#forumposts .post_wrapper`,
	body:       `.post .inner[id^="msg_"]`,
	id:         `.post .inner @id`,
	anchor:     "msg",
	author:     `.poster h4 a[href*="action=profile"], .poster h4`,
	date:       `.keyinfo div.smalltext`,
	edited:     `.modified`,
	attachment: `.attachments a[href*="dlattach"]:not(:has(img:only-child[id^="thumb"]))`,
	anatomy: anatomy{quote: `blockquote`, quoteTitle: `.quoteheader`, code: `code.bbc_code`,
		noise: `.codeheader, .quotefooter`},

	nextPage: `.pagelinks > strong + a.navPages, .pagelinks strong ~ a.navPages`,
	same:     sameSMF,
}

var (
	// topicSMF is a thread's address, whatever post it leads to; both kinds of addresses part what follows by dots.
	topicSMF = regexp.MustCompile(`(topic[=,]\d+)\.(?:msg\d+|new|0|from\d+)\b[^#]*`)
	boardSMF = regexp.MustCompile(`(board[=,]\d+\.\d+)\b.*`)
)

// sameSMF gives a thread one address: index.php?topic=5.msg12;topicseen#new and index.php?topic=5.0 are the same, and
// so are index.php/topic,5.msg12.html and index.php/topic,5.0.html.
func sameSMF(u *url.URL) {
	one := func(s, end string) string {
		return boardSMF.ReplaceAllString(topicSMF.ReplaceAllString(s, "$1.0"+end), "$1"+end)
	}
	if u.RawQuery != "" {
		u.RawQuery = one(u.RawQuery, "")
		return
	}
	if topicSMF.MatchString(u.Path) || boardSMF.MatchString(u.Path) {
		u.Path, u.RawPath = one(u.Path, ".html"), ""
	}
}
