package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/hunt"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

func huntCommand() *cobra.Command {
	var o scanOptions
	var kind string
	cmd := &cobra.Command{
		Use:   "hunt TERM…",
		Short: "Ask all dumps that were read where something has been seen",
		Long: `Ask all dumps that were read where something has been seen.

Every dump that Wardline reads leaves an index of the hosts, logins and networks in it. The indexes are asked first; of
dumps that are still there, only the parts of about a megabyte that may hold a term are read again, and what they expose is printed as
scan prints it. A dump that is gone is named with what its index says.

Without --kind a term with an '@' or a backslash is an account (or an AD domain, when nothing follows the backslash), an
address or range is ip, anything else with a dot is a domain. No index holds names (brand, product), logins without a
domain, IPv6 and ranges wider than /16: search the dumps themselves for them with scan, or write them on the supplier's
page, and every dump that is still there is read for them.

Exit code 0: something was found. 1: nothing was found. 2: not all could be answered; the rest was.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			terms, err := huntedTerms(risk.TermKind(kind), args)
			if err != nil {
				return err
			}
			settings, err := config.Read()
			if err != nil {
				return err
			}
			return huntDumps(cmd.Context(), settings, o, terms, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kind, "kind", "", "what the terms are: domain, host, account, ad_domain or ip")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line: a dump, then what it exposes")
	flags.BoolVar(&o.reveal, "reveal", false, "print whole accounts and secrets")
	flags.BoolVar(&o.count, "count", false, "print the dumps and totals only")
	return cmd
}

// huntedTerms are the terms of a command line. Each stands for itself in what is printed, as a supplier does in a scan.
func huntedTerms(kind risk.TermKind, args []string) ([]risk.WatchTerm, error) {
	var terms []risk.WatchTerm
	for i, arg := range args {
		k, value := kind, arg
		if k == "" {
			k, value = kindOf(arg)
		}
		t, err := risk.NewWatchTerm(k, value)
		if err != nil {
			return nil, err
		}
		t.ID, t.SupplierID, t.Supplier = int64(i+1), int64(i+1), t.Value
		terms = append(terms, t)
	}
	return terms, nil
}

// kindOf guesses what kind of term somebody typed.
func kindOf(arg string) (risk.TermKind, string) {
	before, after, backslash := strings.Cut(arg, `\`)
	_, notAddress := netip.ParseAddr(arg)
	_, notRange := netip.ParsePrefix(arg)
	switch {
	case backslash && after == "":
		return risk.TermADDomain, before
	case backslash || strings.Contains(arg, "@"):
		return risk.TermAccount, arg
	case notAddress == nil || notRange == nil:
		return risk.TermIP, arg
	case strings.Contains(arg, ".") && !strings.Contains(arg, " "):
		return risk.TermDomain, arg
	}
	return risk.TermBrand, arg
}

// huntDumps asks every index for the terms and reads again what it names.
func huntDumps(ctx context.Context, settings config.Settings, o scanOptions, terms []risk.WatchTerm, out, errs io.Writer) error {
	dumps, err := newDumps(settings, systemNow)
	if err != nil {
		return err
	}
	h := dumpHunt{traces: newTraces(settings, dumps), drop: settings.Drop, blockPrinter: blockPrinter{scanOptions: o, out: out, bar: &scanBar{}}, errs: errs}
	for _, t := range terms {
		clues, ok := match.CluesOf(t)
		if !ok {
			h.fail("%s", noIndexHolds(t, settings.Drop))
			continue
		}
		h.terms, h.clues = append(h.terms, t), append(h.clues, clues)
	}
	indexed, damaged, err := hunt.Dumps(h.traces.folder)
	if err != nil {
		return err
	}
	for _, name := range damaged {
		h.fail("%s is damaged or of another version: the dump that it is of is not asked; it is read again whole when a supplier is added", shown(filepath.Join(h.traces.folder, name)))
	}
	if len(h.terms) == 0 {
		return exitFailed
	}
	if h.scanner, err = match.Compile(h.terms); err != nil {
		return err
	}
	for _, d := range indexed {
		if err := h.dump(ctx, d); err != nil {
			return err
		}
	}
	if err := h.printEnd(len(indexed)); err != nil {
		return err
	}
	switch {
	case h.failed:
		return exitFailed
	case h.total.Indicators == 0 && h.gone == 0:
		return exitNothing
	}
	return nil
}

// dumpHunt is one run of the command.
type dumpHunt struct {
	blockPrinter
	traces traces
	drop   string // where the drop folder lies today
	errs   io.Writer
	terms  []risk.WatchTerm
	clues  []risk.Clues
	failed bool
	seen   int // dumps that may hold a term
	gone   int // of these, no longer there
}

func (h *dumpHunt) fail(format string, args ...any) {
	h.failed = true
	h.bar.clear()
	fmt.Fprintf(h.errs, "wardline: "+format+"\n", args...)
}

// huntLineJSON tells of a dump that may hold a term.
type huntLineJSON struct {
	Dump      string   `json:"dump"`
	State     string   `json:"state"` // held or gone
	Terms     []string `json:"terms"`
	Stretches int      `json:"stretches"` // of about a mebibyte, that may hold one
	Bytes     int64    `json:"bytes"`     // of text in these
}

// dump asks for one dump. Its own failure is told and does not end the hunt.
func (h *dumpHunt) dump(ctx context.Context, d hunt.Dump) error {
	src, file := risk.Source{Key: d.Source, Address: d.Folder, Kind: risk.SourceDrop}, risk.File{Path: d.Path, Bytes: d.Bytes, Modified: d.Modified, Version: d.Version}
	line := huntLineJSON{Dump: d.Path, State: "gone"}
	var stretches []risk.Stretch
	asked := map[int]bool{}
	err := h.traces.Ask(src, file, h.clues, func(s risk.Stretch, answers []int) error {
		stretches = append(stretches, s)
		line.Bytes += s.Bytes
		for _, i := range answers {
			asked[i] = true
		}
		return nil
	})
	if errors.Is(err, risk.ErrNotFound) {
		h.fail("%s: its index is damaged or of another version, so it is not asked; it is read again whole when a supplier is added", shown(d.Path))
		return nil
	}
	if err != nil || len(stretches) == 0 {
		return err
	}
	for i, t := range h.terms {
		if asked[i] {
			line.Terms = append(line.Terms, t.Value)
		}
	}
	held, err := h.find(ctx, &src, file)
	if err != nil {
		h.fail("%s: %s", shown(d.Path), shown(plain(err).Error()))
		return nil
	}
	if held {
		line.State = "held"
	} else {
		h.gone++
	}
	h.seen++
	line.Stretches = len(stretches)
	if err := h.printDump(line); err != nil || !held {
		return err
	}
	return h.reread(ctx, src, file, stretches, line.Bytes)
}

// find tells whether a dump is still there, where its folder was when it was read, or where the drop folder lies today.
func (h *dumpHunt) find(ctx context.Context, src *risk.Source, file risk.File) (bool, error) {
	held, err := h.traces.holds(ctx, *src, file)
	if held || src.Key != pipeline.DropKey || src.Address == h.drop {
		return held, err
	}
	src.Address = h.drop
	return h.traces.holds(ctx, *src, file)
}

func (h *dumpHunt) reread(ctx context.Context, src risk.Source, file risk.File, stretches []risk.Stretch, bytes int64) error {
	h.bar = newBar(h.errs, bytes, "reading again")
	defer h.bar.clear()
	var res scanResult
	err := h.traces.Reread(ctx, src, file, stretches, func(b risk.Block) error {
		res.reset()
		h.block(b, &res)
		h.bar.add(len(b.Body()))
		return h.print(&res)
	}, func(int) {})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, new(*outputError)):
		return err
	case err != nil:
		h.fail("%s: %s", shown(file.Path), shown(plain(err).Error()))
	}
	return nil
}

func (h *dumpHunt) printDump(line huntLineJSON) error {
	var err error
	if h.json {
		err = json.NewEncoder(h.out).Encode(line)
	} else {
		what := "which are read again"
		switch {
		case line.State == "gone":
			what = "but the dump is no longer there"
		case line.Stretches == 1:
			what = "which is read again"
		}
		names := slices.Clone(line.Terms)
		for i := range names {
			names[i] = shown(names[i])
		}
		_, err = fmt.Fprintf(h.out, "%s: %s may stand in %s, %s\n", shown(line.Dump), strings.Join(names, ", "), countOf(line.Stretches, "part of about a megabyte", "parts of about a megabyte"), what)
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// noIndexHolds says what to do for a term that no index answers.
func noIndexHolds(t risk.WatchTerm, drop string) string {
	what := "names"
	switch t.Kind {
	case risk.TermAccount:
		what = "logins without a domain"
	case risk.TermIP:
		what = "IPv6 addresses and ranges wider than /16"
	}
	return fmt.Sprintf(`%s is not looked for: no index holds %s. Add it to a supplier on its page, and all dumps are read for it;
or write the line "anything,%s,%s" into a file below the header "supplier,kind,value" and run
  wardline scan --watchlist FILE %s`, shown(t.Value), what, t.Kind, shown(t.Value), shown(drop))
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (h *dumpHunt) printEnd(dumps int) error {
	if h.json {
		return nil
	}
	if dumps == 0 {
		_, err := fmt.Fprintln(h.out, "no dump has been read yet, so that there is nothing to ask")
		return err
	}
	gone := ""
	if h.gone > 0 {
		gone = fmt.Sprintf(", of which %d %s no longer there", h.gone, isOrAre(h.gone))
	}
	_, err := fmt.Fprintf(h.out, "%s; %s of %d may hold what was asked for%s\n", countOf(h.total.Indicators, "indicator", "indicators"), countOf(h.seen, "dump", "dumps"), dumps, gone)
	if err != nil {
		return &outputError{err}
	}
	return nil
}
