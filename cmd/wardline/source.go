package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

func sourceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "source", Short: "Work with source definitions"}
	cmd.AddCommand(sourceTestCommand(), sourceLoginCommand())
	return cmd
}

type sourceTestOptions struct {
	json     bool
	address  string
	torProxy string
	cookies  string
	limit    int

	watchlist string
}

func sourceTestCommand() *cobra.Command {
	var o sourceTestOptions
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Read a source by its definition, and print what was read",
		Long: `Read a source by its definition, now and in full, and print what was read. Nothing is stored.

With --json, each item is one object a line with board, thread, post_id, url, author, posted_at (RFC 3339, or null when
the date was not understood), title and text; the last line holds pages, items, not_understood, a list of addresses and
what was missing there, and found_nothing, the selectors of the definition that found nothing anywhere: a mistake, or a
site without such a thing. With --watchlist, items have matches: what would be found in them, masked. Leak posts have claim; what an account service
says comes as objects with account (masked), domain, host and leaked_at. The last line also counts what was left alone. Posts that an engine read also have edited, edited_at, quotes, code and attachments, and the
last line the engine that was recognised. A loopback address in the definition or after --address may be read; no other private one.

Exit code 0: something was read. 1: nothing was read. 2: the definition is wrong, or the source could not be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := readDefinition(args[0], o.address, time.Now())
			if err != nil {
				return err
			}
			if src, err = withCookies(src, cmd.InOrStdin(), o.cookies, time.Now()); err != nil {
				return err
			}
			scanner, src, err := sourceWatchlist(src, o.watchlist, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return testSource(cmd.Context(), src, o, scanner, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line")
	flags.StringVar(&o.address, "address", "", "read this address instead of the definition's")
	flags.StringVar(&o.torProxy, "tor-proxy", "", "SOCKS5 proxy for the route tor, host:port or unix:/path (default: WARDLINE_TOR_PROXY)")
	flags.StringVar(&o.cookies, "cookies", "", "read it with the cookies in this file, as source login takes them; - is standard input")
	flags.IntVar(&o.limit, "limit", 0, "stop after this many items")
	flags.StringVarP(&o.watchlist, "watchlist", "w", "", "show what would be found for this watchlist, CSV or compiled; an account service is asked about its domains only")
	return cmd
}

func readDefinition(file, address string, now time.Time) (risk.Source, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return risk.Source{}, fmt.Errorf("read the definition: %w", plain(err))
	}
	src, err := catalog.ParseSource(file, data)
	if err != nil {
		return src, err
	}
	if src.Kind == risk.SourceDrop {
		return src, risk.Invalid("kind", "A drop folder is not crawled; read its files with wardline scan.")
	}
	if !now.Before(src.ReviewBy.AddDate(0, 0, 1)) {
		return src, risk.Invalid("review_by", "The legal basis was to be reviewed by %s; a source does not run after that day.", src.ReviewBy.Format(time.DateOnly))
	}
	if address == "" {
		return src, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return src, risk.Invalid("address", "%q is not a whole http or https address.", address)
	}
	src.Address = address
	return src, nil
}

// errLimit ends a crawl that has shown as many items as were asked for.
var errLimit = errors.New("enough items")

func testSource(ctx context.Context, src risk.Source, o sourceTestOptions, scanner *match.Scanner, out io.Writer) error {
	egress := collect.Config{TorProxy: o.torProxy, AllowLoopback: loopbackOf(src.Address)}
	if src.Login.Declared() || config.HasKey(src.Read.Engine) || o.torProxy == "" && src.Route == risk.RouteTor {
		settings, err := config.Read()
		if err != nil {
			return err
		}
		egress.TorProxy, egress.Account = cmp.Or(o.torProxy, settings.TorProxy), settings.Account
		egress.Key = settings.ServiceKey
	}
	collector, err := collect.New(egress)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	defer w.Flush()
	p := itemPrinter{out: w, json: o.json, limit: o.limit, src: src, scanner: scanner}
	report, err := collector.Crawl(ctx, src, nothingKnown, p.page)
	if errors.Is(err, errLimit) {
		err = nil
	}
	if printErr := p.summary(report, err); printErr != nil {
		return printErr
	}
	if err != nil {
		return err
	}
	if p.items == 0 && report.Encrypted+report.Once == 0 {
		return exitNothing
	}
	return nil
}

func nothingKnown(context.Context, string) (risk.Mark, bool, error) { return risk.Mark{}, false, nil }

// loopbackOf gives the exact addresses that a definition at this machine means; none for any other.
func loopbackOf(address string) []netip.AddrPort {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	hosts := []string{u.Hostname()}
	if strings.EqualFold(u.Hostname(), "localhost") {
		hosts = []string{"127.0.0.1", "::1"}
	}
	var out []netip.AddrPort
	for _, h := range hosts {
		if a, err := netip.ParseAddrPort(net.JoinHostPort(h, port)); err == nil && a.Addr().IsLoopback() {
			out = append(out, a)
		}
	}
	return out
}

// itemPrinter writes items as they are read.
type itemPrinter struct {
	out   *bufio.Writer
	json  bool
	limit int
	items int

	src     risk.Source
	scanner *match.Scanner // nil = no watchlist was given
	matches int
	fields  fields
}

// printedItem is the contract of source test --json; change it only by adding.
type printedItem struct {
	Board    string  `json:"board"`
	Thread   string  `json:"thread"`
	PostID   string  `json:"post_id"`
	URL      string  `json:"url"`
	Author   string  `json:"author"`
	PostedAt *string `json:"posted_at"`
	Title    string  `json:"title"`
	Text     string  `json:"text"`

	Edited      bool           `json:"edited,omitempty"`
	EditedAt    *string        `json:"edited_at,omitempty"`
	Quotes      []printedQuote `json:"quotes,omitempty"`
	Code        []string       `json:"code,omitempty"`
	Attachments []string       `json:"attachments,omitempty"`

	Claim   *printedClaim  `json:"claim,omitempty"`
	Matches []printedMatch `json:"matches,omitempty"`
}

type printedQuote struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

func printedQuotes(quotes []risk.Quote) []printedQuote {
	var out []printedQuote
	for _, q := range quotes {
		out = append(out, printedQuote(q))
	}
	return out
}

func (p *itemPrinter) page(_ context.Context, page risk.Page) error {
	for _, item := range page.Items {
		if p.limit > 0 && p.items >= p.limit {
			return errLimit
		}
		p.items++
		p.fields.count(item)
		if err := p.item(item, p.found(risk.Page{Capture: page.Capture, Items: []risk.Item{item}})); err != nil {
			return fmt.Errorf("print an item: %w", err)
		}
	}
	for _, a := range page.Leaked {
		if p.limit > 0 && p.items >= p.limit {
			return errLimit
		}
		p.items++
		if err := p.account(a, p.found(risk.Page{Capture: page.Capture, Leaked: []risk.LeakedAccount{a}})); err != nil {
			return fmt.Errorf("print an account: %w", err)
		}
	}
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("print items: %w", err)
	}
	if p.limit > 0 && p.items >= p.limit {
		return errLimit
	}
	return nil
}

// found is what one item would become for the watchlist.
func (p *itemPrinter) found(page risk.Page) []pipeline.Preview {
	if p.scanner == nil {
		return nil
	}
	found := pipeline.PreviewPage(p.scanner, p.src, page)
	p.matches += len(found)
	return found
}

func (p *itemPrinter) item(i risk.Item, found []pipeline.Preview) error {
	posted, claim, matches := postedAt(i.Posted), claimOf(i.Claim), printedMatches(found)
	if p.json {
		return p.line(printedItem{Board: i.Board, Thread: i.Thread, PostID: i.PostID, URL: i.URL, Author: i.Author, PostedAt: posted, Title: i.Title, Text: i.Text,
			Edited: i.Edited, EditedAt: postedAt(i.EditedAt), Quotes: printedQuotes(i.Quotes), Code: i.Code, Attachments: i.Attachments,
			Claim: claim, Matches: matches})
	}
	when := "no date"
	if posted != nil {
		when = *posted
	}
	var where []string
	for _, s := range []string{i.Board, i.Title, i.PostID, i.Author, when} {
		if s != "" {
			where = append(where, s)
		}
	}
	if i.Edited {
		where = append(where, "edited")
	}
	text := i.Text + claim.lines()
	for _, q := range i.Quotes {
		text += "\n> " + q.Author + ": " + strings.ReplaceAll(q.Text, "\n", "\n> ")
	}
	for _, name := range i.Attachments {
		text += "\n[attached: " + name + "]"
	}
	_, err := fmt.Fprintf(p.out, "%s\n%s\n    %s\n%s\n", strings.Join(where, " · "), i.URL, strings.ReplaceAll(text, "\n", "\n    "), matchLines(matches))
	return err
}

func postedAt(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

func (p *itemPrinter) line(v any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// summary is the last line, also after a failure: then the failure is the last thing that was not understood.
func (p *itemPrinter) summary(report risk.CrawlReport, failure error) error {
	notes := append([]string{}, report.NotUnderstood...)
	if failure != nil {
		notes = append(notes, failure.Error())
	}
	if p.json {
		return p.line(struct {
			Pages         int      `json:"pages"`
			Items         int      `json:"items"`
			NotUnderstood []string `json:"not_understood"`
			FoundNothing  []string `json:"found_nothing,omitempty"`
			Engine        string   `json:"engine,omitempty"`
			Encrypted     int      `json:"encrypted,omitempty"`
			Once          int      `json:"left_alone,omitempty"`
			Said          []string `json:"said,omitempty"`
			Matches       int      `json:"matches,omitempty"`
		}{report.Pages, p.items, notes, append([]string{}, report.Unused...), report.Engine, report.Encrypted, report.Once, report.Said, p.matches})
	}
	for _, n := range notes {
		fmt.Fprintln(p.out, "not understood:", n)
	}
	for _, u := range report.Unused {
		fmt.Fprintln(p.out, "a mistake, or not on this site:", u)
	}
	if report.Engine != "" {
		fmt.Fprintln(p.out, "read as:", report.Engine)
	}
	for _, l := range left(report) {
		fmt.Fprintln(p.out, "note:", l)
	}
	if p.fields.items > 0 {
		fmt.Fprintln(p.out, p.fields.line())
	}
	if p.scanner != nil {
		fmt.Fprintf(p.out, "%d matches\n", p.matches)
	}
	_, err := fmt.Fprintf(p.out, "%d pages, %d items\n", report.Pages, p.items)
	return err
}
