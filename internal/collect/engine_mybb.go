package collect

import (
	"net/url"
	"regexp"
)

// myBB is MyBB 1.8 in its default theme, with either layout of posts.
var myBB engine = &markup{
	key:   "mybb",
	signs: `script[src*="jscripts/general.js"], #container > #header #panel .upper, #copyright a[href*="mybb.com"]`,

	boardLinks: `td.trow1 > strong > a[href], td.trow2 > strong > a[href], .subforumicon + a`,

	list:    `tr.inline_row:has([id^="tid_"])`,
	link:    `[id^="tid_"] a`,
	replies: `a[onclick*="whoPosted"]`,
	last:    `.lastpost a[href*="lastpost"]`,
	empty:   `table.tborder.clear td.trow1[colspan], form#inlinemoderation_options ~ table td.trow1[colspan], tr.inline_row:not(:has(a))`,
	message: `#content table.tborder td.trow1`,

	post:       `#posts .post[id^="post_"]`,
	body:       `.post_body`,
	id:         `@id`,
	anchor:     "pid",
	author:     `.author_information .largetext, .author_information strong`,
	date:       `.post_date`,
	edited:     `.post_edit`,
	attachment: `fieldset a[href*="attachment.php?aid="]:not(:has(img)), fieldset img[src*="attachment.php?"]`,
	hidden:     `.post.deleted_post_hidden`,
	anatomy: anatomy{quote: `blockquote.mycode_quote`, quoteAuthor: `cite`, quoteHead: `cite`, code: `.codeblock code`,
		attachment: `a[href*="attachment.php?aid="]:not(:has(img)), img[src*="attachment.php?"]`, noise: `.codeblock > .title`},

	nextPage:   `.pagination a.pagination_next`,
	monthFirst: true,
	same:       sameMyBB,
}

// seoMyBB are addresses of the kind that MyBB's own rewriting makes: thread-11-page-2.html, thread-11-lastpost.html.
var seoMyBB = regexp.MustCompile(`^(.*/(?:thread|forum)-\d+)(-page-\d+)?(?:-[a-z]+(?:-\d+)?)?\.html$`)

func sameMyBB(u *url.URL) {
	switch {
	case seoMyBB.MatchString(u.Path):
		u.Path, u.RawQuery = seoMyBB.ReplaceAllString(u.Path, "$1$2.html"), ""
	case u.Query().Has("tid"):
		onlyQuery(u, "tid", "page")
	case u.Query().Has("fid"):
		onlyQuery(u, "fid", "page")
	}
}
