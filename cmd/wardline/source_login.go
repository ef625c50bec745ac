package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// giveCookies keeps what a person took from a browser as the session of a source, and has the source read with it.
// Of text, kept cookies are the source's own; left ones have ended or are of other hosts.
func (a *app) giveCookies(ctx context.Context, keys *seal.Keys, key, text, by string) (kept, left int, err error) {
	status, err := a.findSource(ctx, key)
	if err != nil {
		return 0, 0, err
	}
	src, now := status.Source, a.now()
	if !src.MayHaveSession() {
		return 0, 0, risk.Invalid("cookies", "A source of the kind %s is read without an account.", src.Kind)
	}
	if src.Approval == "" {
		return 0, 0, risk.Invalid("cookies", "An account at a source needs the id of its written approval in the definition, under approval.")
	}
	cookies, left, err := catalog.ParseCookies(src, text, now)
	if err != nil {
		return 0, left, err
	}
	session := risk.SourceSession{Cookies: cookies}
	sealed, err := keys.SealSession(src.ID, session)
	if err != nil {
		return 0, left, err
	}
	given := risk.SealedSession{SourceID: src.ID, Sealed: sealed, KeyID: keys.ID(), Cookies: len(cookies), Ends: session.Ends(), By: by, Given: now, Changed: now}
	if err := a.store.GiveSession(ctx, given); err != nil {
		return 0, left, err
	}
	return len(cookies), left, nil
}

func (a *app) findSource(ctx context.Context, key string) (risk.SourceStatus, error) {
	status, err := a.store.FindSource(ctx, key)
	if errors.Is(err, risk.ErrNotFound) {
		return status, fmt.Errorf("no source has the key %s; one is known once Wardline has run with its definition in WARDLINE_SOURCES: %w", key, risk.ErrNotFound)
	}
	return status, err
}

func sourceLoginCommand() *cobra.Command {
	var file string
	var forget bool
	cmd := &cobra.Command{
		Use:   "login KEY",
		Short: "Give a source the cookies of an account with which a person logged in",
		Long: `Give a source the cookies of an account with which a person logged in, in a browser that goes the same way (for an
onion, Tor Browser). They are read from a cookies.txt, from the JSON of a browser's extension, or from the text of a
Cookie header; those of other hosts are left out. They are kept encrypted and sent to that source only.

An account at a source needs a written approval: its id belongs into the definition, under approval.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (file == "") == !forget {
				return errors.New("give --cookies FILE (- is standard input), or --forget")
			}
			return withStore(cmd.Context(), func(a *app) error {
				if forget {
					return a.forgetSession(cmd.Context(), args[0])
				}
				text, err := readCookies(cmd.InOrStdin(), file)
				if err != nil {
					return err
				}
				keys, err := seal.Open(a.settings.KeyFile)
				if err != nil {
					return err
				}
				kept, left, err := a.giveCookies(cmd.Context(), keys, args[0], text, "the command line")
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is read with an account from now on. Cookies kept: %d, left out: %d.\n", args[0], kept, left)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&file, "cookies", "", "file with the cookies; - is standard input")
	cmd.Flags().BoolVar(&forget, "forget", false, "read the source as a guest again")
	return cmd
}

// mostCookieBytes is more than a browser's whole jar.
const mostCookieBytes = 8 << 20

func readCookies(in io.Reader, file string) (string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read the cookies: %w", plain(err))
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mostCookieBytes+1))
	if err != nil {
		return "", fmt.Errorf("read the cookies: %w", plain(err))
	}
	if len(text) > mostCookieBytes {
		return "", risk.Invalid("cookies", "The file is larger than %d MiB.", mostCookieBytes>>20)
	}
	return string(text), nil
}

// withCookies gives a source that is only tested the cookies in a file.
func withCookies(src risk.Source, in io.Reader, file string, now time.Time) (risk.Source, error) {
	if file == "" {
		return src, nil
	}
	text, err := readCookies(in, file)
	if err != nil {
		return src, err
	}
	src.Session.Cookies, _, err = catalog.ParseCookies(src, text, now)
	return src, err
}

func (a *app) forgetSession(ctx context.Context, key string) error {
	status, err := a.findSource(ctx, key)
	if err != nil {
		return err
	}
	return a.store.GiveSession(ctx, risk.SealedSession{SourceID: status.Source.ID})
}
