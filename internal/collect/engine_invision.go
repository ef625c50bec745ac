package collect

import (
	"net/url"
	"strings"
)

// invision5 is Invision Community 5 in its default theme.
var invision5 engine = &markup{
	key:   "invision",
	signs: `body.ipsApp_front i-data, body.ipsApp_front .ipsEntry, body.ipsApp_front .ipsLayout__container, body.ipsApp_front[data-ips-hook="body"]`,

	boardLinks: `.ipsData__item[data-forumid] .ipsData__title h3 a, .ipsData__item[data-forumid] .ipsSubList a`,

	list:    `.ipsData[data-role="tableRows"] > li[data-rowid]`,
	link:    `.ipsData__title h4 a`,
	replies: `.ipsData__stats [data-stattype="forums_comments"] .ipsData__stats-label`,
	last:    `.ipsData__last time`,
	empty:   `[data-controller*="core.table"] .ipsBox__padding > p`,

	post:   `article.ipsEntry[id^="elComment_"]`,
	body:   `[data-role="commentContent"]`,
	id:     `@id`,
	anchor: "findComment-",
	author: `.ipsEntry__author-column h3, .ipsEntry__username`,
	date:   `.ipsEntry__date time, .ipsEntry__date`,
	edited: `[data-excludequote]`,
	anatomy: anatomy{quote: `.ipsQuote`, quoteAuthor: `@data-ipsquote-username`, quoteHead: `.ipsQuote_citation`, code: `pre`,
		attachment: `a.ipsAttachLink:not(.ipsAttachLink_image), a.ipsAttachLink_image img`, noise: `[data-excludequote]`},

	message:  `#elError, .ipsMessage`,
	hidden:   `.ipsModerated`,
	nextPage: `.ipsPagination__next:not(.ipsPagination__inactive) > a`,
	same:     sameInvision,
}

// invision4 is Invision Community 4 in its default theme.
var invision4 engine = &markup{
	key:   "invision",
	signs: `body.ipsApp_front`,

	boardLinks: `.ipsDataItem[data-forumid] .ipsDataItem_title a, .ipsDataItem[data-forumid] .ipsDataItem_subList a, .cForumGrid .cForumGrid__title a`,

	list:    `[data-role="tableRows"] > li.ipsDataItem[data-rowid]`,
	link:    `.ipsDataItem_title a[data-ipshover], .ipsDataItem_title a[href*="topic/"]`,
	replies: `.ipsDataItem_stats .ipsDataItem_stats_number`,
	last:    `.ipsDataItem_lastPoster time`,
	empty:   `[data-controller*="core.table"] .ipsType_center > p`,

	post:   `article.ipsComment[id^="elComment_"]`,
	body:   `[data-role="commentContent"]`,
	id:     `@id`,
	anchor: "findComment-",
	author: `.ipsComment_author .cAuthorPane_author, .cAuthorPane_author`,
	date:   `.ipsComment_meta time, .ipsComment_meta`,
	edited: `[data-excludequote]`,
	anatomy: anatomy{quote: `.ipsQuote`, quoteAuthor: `@data-ipsquote-username`, quoteHead: `.ipsQuote_citation`, code: `pre`,
		attachment: `a.ipsAttachLink:not(.ipsAttachLink_image), a.ipsAttachLink_image img`, noise: `[data-excludequote]`},

	message:  `#elError, .ipsMessage`,
	hidden:   `.ipsModerated`,
	nextPage: `.ipsPagination_next:not(.ipsPagination_inactive) > a`,
	same:     sameInvision,
}

// sameInvision keeps of an address only which page it is: the rest leads to a place in a topic, or sorts a list. Boards
// without rewriting carry the route as their query: index.php?/topic/11-title/&page=2.
func sameInvision(u *url.URL) {
	route, _, _ := strings.Cut(u.RawQuery, "&")
	page := u.Query().Get("page")
	onlyQuery(u, "page")
	switch {
	case strings.HasPrefix(route, "/") && page != "":
		u.RawQuery = route + "&page=" + url.QueryEscape(page)
	case strings.HasPrefix(route, "/"):
		u.RawQuery = route
	}
}
