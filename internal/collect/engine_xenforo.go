package collect

import (
	"net/url"
	"regexp"
	"strings"
)

// xenForo2 is XenForo 2 in its default style.
var xenForo2 engine = &markup{
	key:   "xenforo",
	signs: `html#XF`,

	boardLinks: `.node--forum .node-title > a, .node--category .node-body .node-title > a, .node-subNodesFlat a.subNodeLink--forum, .subNodeMenu a.subNodeLink--forum`,

	list:    `.structItem--thread`,
	link:    `.structItem-title a[data-tp-primary], .structItem-title a:not(.labelLink)`,
	replies: `.structItem-cell--meta dl:first-child dd`,
	last:    `.structItem-cell--latest time`,
	empty:   `.js-emptyThreadList, html[data-template="forum_view"] .block-body > .block-row`,

	post:       `.js-post[data-content^="post-"]`,
	body:       `.message-body .bbWrapper`,
	id:         `@data-content`,
	anchor:     "post-",
	author:     `.message-name .username, .message-name`,
	date:       `.message-attribution-main time, .message-attribution time`,
	edited:     `.message-lastEdit`,
	attachment: `.message-attachments .file-name`,
	anatomy: anatomy{quote: `.bbCodeBlock--quote`, quoteAuthor: `@data-quote`, quoteHead: `.bbCodeBlock-title`, code: `.bbCodeCode`,
		attachment: `img.bbImage[src*="attachments/"]`, noise: `.bbCodeBlock--code .bbCodeBlock-title, .bbCodeBlock-expandLink, .js-selectToQuoteEnd`},

	message:  `.blockMessage`,
	hidden:   `.message--deleted`,
	nextPage: `a.pageNav-jump--next`,
	same:     sameXenForo,
}

// xenForo1 is XenForo 1.5 in its default style.
var xenForo1 engine = &markup{
	key:   "xenforo",
	signs: `html#XenForo`,

	boardLinks: `.nodeList .node.forum .nodeText > .nodeTitle a, .subForumList .node.forum .nodeTitle a, .subForumsMenu .node.forum a.menuRow`,

	list:    `.discussionList li.discussionListItem`,
	link:    `h3.title a.PreviewTooltip, h3.title a:not(.prefixLink)`,
	replies: `.stats dl.major dd`,
	last:    `.lastPost a.dateTime`,
	empty:   `.discussionListItems > li.primaryContent`,

	post:       `#messageList > li.message[id^="post-"]`,
	body:       `.messageContent .messageText`,
	id:         `@id`,
	anchor:     "post-",
	author:     `.messageUserInfo .userText .username`,
	date:       `.messageMeta .datePermalink .DateTime`,
	edited:     `.editDate`,
	attachment: `.attachedFiles .filename a`,
	anatomy: anatomy{quote: `.bbCodeQuote`, quoteAuthor: `@data-author`, quoteHead: `.attribution`, code: `.bbCodeCode pre`,
		attachment: `img.bbCodeImage[src*="attachments/"]`, noise: `.bbCodeCode > .type, .quoteExpand, .messageTextEndMarker`},

	message:  `.errorPanel, .messageBody .baseHtml`,
	hidden:   `.message.deleted`,
	nextPage: `head link[rel="next"], .PageNav a.currentPage + a:not(.text)`,
	same:     sameXenForo,
}

// xenForoPlace ends addresses of threads that lead to a place in them: the last, the first unread, or a given post.
var xenForoPlace = regexp.MustCompile(`/(?:unread|latest|post-\d+)/?$`)

// sameXenForo drops what leads to a place in a thread, and how a list is sorted. Boards without rewriting carry the
// whole route as their query: index.php?threads/title.11/page-2.
func sameXenForo(u *url.URL) {
	route, _, _ := strings.Cut(u.RawQuery, "&")
	if !strings.Contains(route, "/") {
		route = ""
	}
	u.RawQuery = xenForoPlace.ReplaceAllString(route, "/")
	u.Path, u.RawPath = xenForoPlace.ReplaceAllString(u.Path, "/"), ""
}
