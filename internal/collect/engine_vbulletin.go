package collect

import (
	"net/url"
	"regexp"
)

// vBulletin3 is vBulletin 3.6 to 3.8 in its default style.
var vBulletin3 engine = &markup{
	key:   "vbulletin",
	signs: `meta[name="generator"][content^="vBulletin 3"], script[src*="clientscript/vbulletin_global.js"], link[href*="clientscript/vbulletin_important.css"]`,

	boardLinks: `td[id^="f"] > div > a[href]`,

	list:    `tr:has([id^="td_threadtitle_"])`,
	link:    `a[id^="thread_title_"]`,
	replies: `a[href*="do=whoposted"]`,
	last:    `a[href*="#post"]`,
	empty:   `#threadslist:not(:has([id^="td_threadtitle_"])):not(:has(a[href*="showthread"]))`,
	message: `td.panelsurround, .panelsurround`,

	post:       `table.tborder[id^="post"]:has(td.thead)`,
	body:       `[id^="post_message_"]`,
	id:         `@id`,
	anchor:     "post",
	author:     `.bigusername, [id^="postmenu_"]`,
	date:       `td.thead`,
	edited:     `.smallfont > em`,
	attachment: `fieldset a[href*="attachment.php?"]:not(:has(img)), fieldset img[src*="attachment.php?"]`,
	hidden:     `table.tborder[id^="post"]:not(:has([id^="td_post_"]))`,
	anatomy: anatomy{quote: `div[style*="margin:20px"]:has(table td.alt2), div[style*="margin: 20px"]:has(table td.alt2)`, quoteAuthor: `td.alt2 > div:first-child > strong`,
		quoteHead: `td.alt2 > div:first-child:has(strong), div > .smallfont:first-child`, code: `pre.alt2`, noise: `.smallfont:first-child`},

	nextPage:   `.pagenav a[rel="next"], .pagenav a[title^="Next Page"]`,
	monthFirst: true,
	same:       sameVBulletin,
}

// vBulletin4 is vBulletin 4 in its default style.
var vBulletin4 engine = &markup{
	key:   "vbulletin",
	signs: `html#vbulletin_html, meta[name="generator"][content^="vBulletin 4"], script[src*="clientscript/vbulletin-core.js"]`,

	boardLinks: `.forumrow .forumtitle a, .subforumlist a`,

	list:    `.threadbit[id^="thread_"]`,
	link:    `a[id^="thread_title_"], .threadtitle a.title`,
	replies: `.threadstats`,
	last:    `.threadlastpost a[href*="#post"]`,
	empty:   `#threadlist:not(:has(.threadbit)):not(:has(a[href*="showthread"])):not(:has(a[href*="threads/"]))`,
	message: `.standard_error`,

	post:       `#posts [id^="post_"].postcontainer, #posts > li[id^="post_"]:not([id^="post_thanks"])`,
	body:       `.postcontent.restore, [id^="post_message_"]`,
	id:         `@id`,
	anchor:     "post",
	author:     `.username_container .username, .username`,
	date:       `.postdate .date, .postdate`,
	edited:     `.lastedited`,
	attachment: `.attachments a[href*="attachment.php?"]:not(:has(img)), .attachments img[src*="attachment.php?"]`,
	hidden:     `li[class*="postbitdeleted"], li[class*="postbitignored"]`,
	anatomy: anatomy{quote: `.bbcode_quote`, quoteAuthor: `.bbcode_postedby strong`, quoteHead: `.bbcode_postedby`, code: `pre.bbcode_code, .bbcode_code`,
		noise: `.bbcode_description`},

	nextPage:   `head link[rel="next"], .pagination a[rel="next"]`,
	monthFirst: true,
	same:       sameVBulletin,
}

// vBulletin5 is vBulletin 5 and 6 in their default style.
var vBulletin5 engine = &markup{
	key:   "vbulletin",
	signs: `meta[name="generator"][content^="vBulletin 5"], meta[name="generator"][content^="vBulletin 6"], body#vb-page-body`,

	boardLinks: `a.forum-title, a.subforum-title`,

	list:    `.topic-item[data-node-id]`,
	link:    `a.topic-title`,
	replies: `.cell-count .posts-count, .posts-count`,
	last:    `.cell-lastpost a[href*="#post"], .lastpost-date`,
	empty:   `.topic-list-container .no-topics, .channel-content-widget .no-results, .topic-no-result`,
	message: `[class*="error-page"], .errorpage, .message-box`,

	post:       `li.b-post[data-node-id]`,
	body:       `.js-post__content-text`,
	id:         `@data-node-id`,
	anchor:     "post",
	author:     `.b-userinfo .author a, .b-userinfo .author, .author a, .author`,
	date:       `.b-post__timestamp time, .b-post__timestamp`,
	edited:     `.post-edited, .edited-by, .b-post__edited, [class*="last-edit"]`,
	attachment: `a[href*="filedata/fetch?"]:not(:has(img)), .b-post__attachments img[src*="filedata/fetch?"]`,
	hidden:     `li.b-post--deleted, li.b-post--ignored, li.b-post:has(.b-post__deleted-notice)`,
	anatomy: anatomy{quote: `.bbcode_quote`, quoteAuthor: `.bbcode_postedby strong, .bbcode_postedby`, quoteHead: `.bbcode_postedby`, code: `pre.bbcode_code, .bbcode_code`,
		noise: `.bbcode_description`},

	nextPage:   `head link[rel="next"], a.js-pagenav-next-button[href]:not(.h-hide-imp)`,
	monthFirst: true,
	same:       sameVBulletin,
}

// threadVBulletin is a thread's or a board's address in the ways that have its number and title in the path or
// bare in the query: showthread.php?11-title/page2&p=24, showthread.php/11-title/page2, forumdisplay.php/2-title.
var threadVBulletin = regexp.MustCompile(`^(\d+[^/&?]*(?:/page\d+)?).*$`)

// sameVBulletin gives a board and a thread one address each, without the post that a link leads to.
func sameVBulletin(u *url.URL) {
	switch q := u.Query(); {
	case q.Has("t"):
		onlyQuery(u, "t", "page")
	case q.Has("f"):
		onlyQuery(u, "f", "page")
	case threadVBulletin.MatchString(u.RawQuery):
		u.RawQuery = threadVBulletin.ReplaceAllString(u.RawQuery, "$1")
	default:
		for _, name := range []string{"p", "goto", "viewfull", "highlight"} {
			if q.Has(name) {
				q.Del(name)
				u.RawQuery = q.Encode()
			}
		}
	}
}
