package collect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/risk"
)

// readForum reads boards → lists of threads → threads → posts. One board that fails does not hide the others; the
// source has failed when none could be read.
func readForum(ctx context.Context, r *run) error {
	boards, err := r.boards(ctx)
	if err != nil {
		return err
	}
	read := 0
	var first error
	for _, b := range boards {
		err := r.board(ctx, b)
		if err == nil {
			read++
			continue
		}
		if first == nil {
			first = err
		}
		if err := r.skip(err); err != nil {
			return err
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

func (r *run) boards(ctx context.Context) ([]board, error) {
	if r.src.Read.Boards == "" {
		return []board{{at: r.gate.home}}, nil
	}
	p, err := r.fetch(ctx, r.gate.home)
	if err != nil {
		return nil, err
	}
	if p.doc == nil {
		return nil, p.unexpected("a board (read.boards)")
	}
	var boards []board
	p.doc.Find(r.src.Read.Boards).Each(func(_ int, s *goquery.Selection) {
		if at, ok := p.resolve(s.AttrOr("href", "")); ok && !r.again("board "+at.String()) {
			boards = append(boards, board{name: strings.Join(strings.Fields(nodeText(s.Nodes[0])), " "), at: at})
		}
	})
	if len(boards) == 0 {
		return nil, p.unexpected("a board (read.boards)")
	}
	return boards, nil
}

func (r *run) board(ctx context.Context, b board) error {
	return r.list(ctx, b.at, func(ctx context.Context, _ *page, threads []entry) error {
		for _, t := range threads {
			if err := r.thread(ctx, b, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// thread reads a thread whose marker changed, from its first page or from where an earlier run was stopped. The
// thread's own mark goes out with its last page: until then it counts as unread.
func (r *run) thread(ctx context.Context, b board, t entry) error {
	mark := risk.Mark{Key: t.link.String(), Marker: t.marker}
	if r.again(mark.Key) {
		return nil
	}
	if t.marker != "" { // an entry whose marker cannot be read is read every time
		if same, err := r.unchanged(ctx, mark); same || err != nil {
			return err
		}
	}
	at, err := r.resume(ctx, t)
	if err != nil {
		return err
	}
	for {
		p, err := r.fetch(ctx, at)
		if err != nil {
			return r.skip(err)
		}
		if p.has(r.src.Read.NotFound) {
			r.missingEntry(p, "the thread is gone (read.not_found)")
			return nil
		}
		posts, err := r.posts(p)
		if err != nil {
			return r.skip(err)
		}
		fresh, marks, err := r.fresh(ctx, posts)
		if err != nil {
			return err
		}
		next, more := r.next(p)
		more = more && !r.again("page "+next.String())
		if more {
			marks = append(marks, resumeMark(t, next))
		} else {
			marks = append(marks, mark)
		}
		if err := r.hand(ctx, p, items(fresh, b.name, p, t), marks); err != nil || !more {
			return err
		}
		at = next
	}
}

// resumeMark remembers how far a long thread was read while its marker was the same.
func resumeMark(t entry, next *url.URL) risk.Mark {
	return risk.Mark{Key: "resume:" + t.link.String(), Marker: t.marker + "\n" + next.String()}
}

func (r *run) resume(ctx context.Context, t entry) (*url.URL, error) {
	m, found, err := r.known(ctx, resumeMark(t, t.link).Key)
	if err != nil {
		return nil, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	marker, next, ok := strings.Cut(m.Marker, "\n")
	if !found || !ok || t.marker == "" || marker != t.marker {
		return t.link, nil
	}
	at, err := url.Parse(next)
	if err != nil {
		return t.link, nil
	}
	return at, nil
}

// post is a post as read, with the mark that tells whether it is new or edited.
type post struct {
	item risk.Item
	mark risk.Mark
}

// posts reads a page of a thread. A page without any, or with posts that have no text, is not understood.
func (r *run) posts(p *page) ([]post, error) {
	read := r.src.Read
	if !p.has(read.Post) {
		return nil, p.unexpected("a post (read.post)")
	}
	var posts []post
	mute := 0
	p.doc.Find(read.Post).Each(func(_ int, s *goquery.Selection) {
		if s.Find(read.Body).Length() == 0 {
			mute++
			return
		}
		id, text, author := pick(s, read.PostID), content(s, read.Body), pick(s, read.Author)
		mark := risk.Mark{Key: "post:" + id, Marker: digestOf(text)}
		if id == "" {
			mark.Key = "post:" + digestOf(p.url.Path, author, text)
		}
		posts = append(posts, post{mark: mark, item: risk.Item{PostID: id, Author: author, Posted: r.posted(pick(s, read.Date)), Text: text}})
	})
	if mute > 0 {
		r.note("%s: %d posts without their text (read.body)", p.url, mute)
	}
	if len(posts) == 0 {
		return nil, p.failure(risk.FailLayout, errors.New("no post has a text (read.body)"))
	}
	return posts, nil
}

// fresh keeps the posts that are new or edited, once each.
func (r *run) fresh(ctx context.Context, posts []post) ([]post, []risk.Mark, error) {
	var fresh []post
	var marks []risk.Mark
	for _, p := range posts {
		if r.again(p.mark.Key) {
			continue
		}
		r.report.Items++
		same, err := r.unchanged(ctx, p.mark)
		if err != nil {
			return nil, nil, err
		}
		if !same {
			fresh, marks = append(fresh, p), append(marks, p.mark)
		}
	}
	return fresh, marks, nil
}

func items(posts []post, board string, p *page, t entry) []risk.Item {
	out := make([]risk.Item, len(posts))
	for i, post := range posts {
		out[i] = post.item
		out[i].Board, out[i].Thread, out[i].Title = board, t.title, t.title
		at := *p.url
		at.Fragment = post.item.PostID
		out[i].URL = at.String()
	}
	return out
}
