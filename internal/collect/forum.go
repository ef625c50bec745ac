package collect

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// readForum reads boards → lists of threads → threads → posts. One board that fails does not hide the others; the
// source has failed when none could be read.
func readForum(ctx context.Context, r *run) error {
	index, boards, err := r.boards(ctx)
	if err != nil {
		return err
	}
	if boards, err = r.inTurn(ctx, boards); err != nil {
		return err
	}
	read := 0
	var first error
	for i := 0; i < len(boards); i++ { // grows by the sub-forums that a board leads to
		b := boards[i]
		within, err := r.board(ctx, b)
		boards = append(boards, within...)
		if err == nil {
			read++
			continue
		}
		if first == nil {
			first = err
		}
		if err := r.skip(err); err != nil {
			return r.turn(ctx, index, b, err)
		}
	}
	if read == 0 {
		return first
	}
	return nil
}

type board struct {
	name string
	at   *url.URL
}

// turnKey is the mark that names the board in which a run ended early.
const turnKey = "turn"

// turn remembers the board in which a run ended early, and gives back why.
func (r *run) turn(ctx context.Context, index *page, b board, why error) error {
	if index == nil || !endsEarly(ctx, why) {
		return why
	}
	if err := r.hand(ctx, index, nil, []risk.Mark{{Key: turnKey, Marker: b.at.String()}}); err != nil {
		return err
	}
	return why
}

// inTurn begins with the board after the one in which the last run ended early: a board that uses up every run must not
// keep the others from being read.
func (r *run) inTurn(ctx context.Context, boards []board) ([]board, error) {
	m, _, err := r.known(ctx, turnKey)
	if err != nil {
		return nil, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	for i, b := range boards {
		if b.at.String() == m.Marker {
			return slices.Concat(boards[i+1:], boards[:i+1]), nil
		}
	}
	return boards, nil
}

// boards reads the index. It is nil when the address is the only board.
func (r *run) boards(ctx context.Context) (index *page, boards []board, err error) {
	if r.src.Read.Engine != "" {
		return r.forumIndex(ctx)
	}
	if r.src.Read.Boards == "" {
		return nil, []board{{at: r.gate.home}}, nil
	}
	p, err := r.fetch(ctx, r.gate.home)
	if err != nil {
		return nil, nil, err
	}
	if p.doc == nil {
		return nil, nil, p.unexpected("read.boards", r.src.Read.Boards)
	}
	left := 0
	p.doc.Find(r.src.Read.Boards).Each(func(_ int, s *goquery.Selection) {
		at, ok := p.resolve(s.AttrOr("href", ""))
		b := board{name: oneLine(s), at: at}
		switch {
		case !ok:
		case !isWanted(r.src.Read, b, false):
			left++
		case !r.again("board " + at.String()):
			boards = append(boards, b)
		}
	})
	switch {
	case len(boards) == 0 && left > 0:
		return nil, nil, p.noneWanted(left)
	case len(boards) == 0:
		return nil, nil, p.unexpected("read.boards", r.src.Read.Boards)
	}
	return p, boards, nil
}

// board reads a board, and gives the sub-forums that its pages lead to.
func (r *run) board(ctx context.Context, b board) (within []board, err error) {
	err = r.list(ctx, b.at, func(ctx context.Context, p *page, threads []entry) error {
		if r.engine != nil {
			boards, _ := r.newBoards(p, true)
			within = append(within, boards...)
		}
		for _, t := range threads {
			if err := r.thread(ctx, b, t); err != nil {
				return err
			}
		}
		return nil
	})
	return within, err
}

// thread reads a thread whose marker changed, from its first page or from where an earlier run was stopped. The
// thread's own mark goes out with its last page: until then it counts as unread. It holds the marker at which the
// reading began: what came meanwhile is found by the next reading.
func (r *run) thread(ctx context.Context, b board, t entry) error {
	r.reading = t.key()
	mark := risk.Mark{Key: t.key(), Marker: t.marker}
	if r.again(mark.Key) {
		return nil
	}
	at, marker, resumed, err := r.resume(ctx, t)
	if err != nil {
		return err
	}
	if resumed {
		mark.Marker = marker
	} else if t.marker != "" { // an entry whose marker cannot be read is read every time
		if same, err := r.unchanged(ctx, mark); same || err != nil {
			return err
		}
	}
	began, stopped := r.report.Pages, resumed
	for {
		p, posts, err := r.threadPage(ctx, at)
		if err != nil {
			if err := r.skip(err); err != nil || !resumed {
				return err
			}
			at, resumed, mark.Marker = t.link, false, t.marker // the page is no more: begin anew
			continue
		}
		if posts == nil {
			return nil
		}
		resumed = false
		fresh, marks, repeats, err := r.fresh(ctx, posts)
		if err != nil {
			return err
		}
		next, more := r.next(p)
		more = more && !repeats && !r.again("page "+next.String())
		switch {
		case more:
			marks = append(marks, resumeMark(t, mark.Marker, next))
		case stopped:
			marks = append(marks, mark, risk.Mark{Key: resumeKey(t)})
		default:
			marks = append(marks, mark)
		}
		if err := r.hand(ctx, p, items(fresh, b.name, p, t), marks); err != nil || !more {
			return err
		}
		if r.report.Pages-began >= r.threadShare() {
			r.note("%s: a long thread; the rest is left for the next run", t.link)
			return nil
		}
		at, stopped = next, true
	}
}

// threadShare is how many pages one thread may use in a run: one that never ends must leave some for the others.
func (r *run) threadShare() int { return max(r.src.Limits.Pages/4, 2) }

// threadPage gives the posts of a page; none and no error when the thread is gone.
func (r *run) threadPage(ctx context.Context, at *url.URL) (*page, []post, error) {
	p, err := r.fetch(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	if p.has(r.src.Read.NotFound) {
		r.missing(p, "the thread is gone (read.not_found)")
		return p, nil, nil
	}
	var posts []post
	err = p.guard(func() error {
		posts, err = r.posts(p)
		return err
	})
	return p, posts, err
}

func resumeKey(t entry) string { return "resume:" + t.key() }

// resumeMark remembers how far a long thread was read, and what its marker was when that began.
func resumeMark(t entry, marker string, next *url.URL) risk.Mark {
	return risk.Mark{Key: resumeKey(t), Marker: marker + "\n" + next.String()}
}

// resume is where to read a thread: where an earlier run left it, whatever was added since, or its first page.
func (r *run) resume(ctx context.Context, t entry) (at *url.URL, marker string, resumed bool, err error) {
	m, found, err := r.known(ctx, resumeKey(t))
	if err != nil {
		return nil, "", false, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	marker, next, ok := strings.Cut(m.Marker, "\n")
	if !found || !ok {
		return t.link, "", false, nil
	}
	if at, err = url.Parse(next); err != nil {
		return t.link, "", false, nil
	}
	return at, marker, true, nil
}

// post is a post as read, with the mark that tells whether it is new or edited.
type post struct {
	item risk.Item
	mark risk.Mark
}

// posts reads a page of a thread. A page without any, or with posts that have no text, is not understood.
func (r *run) posts(p *page) ([]post, error) {
	if r.engine != nil {
		return r.enginePosts(p)
	}
	read := r.src.Read
	if !p.has(read.Post) {
		return nil, p.unexpected("read.post", read.Post)
	}
	list, err := p.elements(read.Post)
	if err != nil {
		return nil, err
	}
	var posts []post
	mute, length := 0, 0
	for _, s := range list.EachIter() {
		if s.Find(read.Body).Length() == 0 {
			mute++
			continue
		}
		id, text, author := r.pick(s, "read.post_id", read.PostID), content(s, read.Body), r.pick(s, "read.author", read.Author)
		if length += len(text); p.tooMuch(length) {
			return nil, p.failure(risk.FailLayout, errTooMuch)
		}
		mark := risk.Mark{Key: "post:" + id, Marker: digestOf(text)}
		if id == "" {
			mark.Key = "post:" + digestOf(p.url.Path, author, text)
		}
		posts = append(posts, post{mark: mark, item: risk.Item{PostID: id, Author: author, Posted: r.posted(pick(s, read.Date)), Text: text}})
	}
	if len(posts) == 0 {
		return nil, p.failure(risk.FailLayout, fmt.Errorf("read.body (%s) finds nothing in any of %d posts", read.Body, mute))
	}
	if mute > 0 {
		r.note("%s: %d posts without their text (read.body)", p.url, mute)
	}
	return posts, nil
}

// fresh keeps the posts that are new or edited, once each. A post is met again only with its text: where ids count up
// in every thread anew, the same id is another post. A page that only repeats what this run has met leads nowhere new.
func (r *run) fresh(ctx context.Context, posts []post) (fresh []post, marks []risk.Mark, repeats bool, err error) {
	repeats = len(posts) > 0
	for _, p := range posts {
		if r.again(p.mark.Key + " " + p.mark.Marker) {
			continue
		}
		repeats = false
		r.report.Items++
		same, err := r.unchanged(ctx, p.mark)
		if err != nil {
			return nil, nil, false, err
		}
		if !same {
			fresh, marks = append(fresh, p), append(marks, p.mark)
		}
	}
	return fresh, marks, repeats, nil
}

func items(posts []post, board string, p *page, t entry) []risk.Item {
	out := make([]risk.Item, len(posts))
	for i, post := range posts {
		out[i] = post.item
		out[i].Board, out[i].Thread, out[i].Title = board, t.title, t.title
		if out[i].URL == "" {
			at := *p.url
			at.Fragment = post.item.PostID
			out[i].URL = at.String()
		}
	}
	return out
}
