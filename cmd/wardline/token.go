package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
)

func tokenCommand() *cobra.Command {
	command := &cobra.Command{Use: "token", Short: "Tokens with which programs use the API"}
	command.AddCommand(tokenAddCommand(), tokenListCommand(), tokenRevokeCommand())
	return command
}

func tokenAddCommand() *cobra.Command {
	var role, expires string
	command := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it; it cannot be shown again",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			life, err := parseLife(expires)
			if err != nil {
				return err
			}
			text, digest := portal.NewToken()
			token := risk.Token{Name: args[0], Role: risk.Role(role), Digest: digest}
			if err := token.Validate(); err != nil {
				return err
			}
			return withStore(cmd.Context(), func(a *app) error {
				token.Created = a.now()
				if life > 0 {
					token.Expires = token.Created.Add(life)
				}
				_, err := a.store.CreateToken(cmd.Context(), token)
				if errors.Is(err, risk.ErrConflict) {
					return fmt.Errorf("the name %s has been used; a revoked token keeps its name", token.Name)
				}
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), text) // alone on its stream, for scripts
				fmt.Fprintf(cmd.ErrOrStderr(), "%s acts as %s and expires: %s. Keep the token now; it is not shown again.\n", token.Name, token.Role, dayOr(token.Expires, "never"))
				return nil
			})
		},
	}
	command.Flags().StringVar(&role, "role", "", "analyst, procurement, ciso, auditor or admin")
	command.Flags().StringVar(&expires, "expires", "90d", `life in days or hours, such as 90d or 12h, or "never"`)
	_ = command.MarkFlagRequired("role") // the flag exists
	return command
}

const longestLife = 10 * 365 * 24 * time.Hour

// parseLife reads how long a token lives; 0 = for ever.
func parseLife(s string) (time.Duration, error) {
	if s == "never" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour}
	if s != "" && unit[s[len(s)-1]] != 0 {
		n, err := strconv.Atoi(s[:len(s)-1])
		one := unit[s[len(s)-1]]
		if err == nil && n > 0 && n <= int(longestLife/one) {
			return time.Duration(n) * one, nil
		}
	}
	return 0, fmt.Errorf(`--expires %q: give days or hours of at most ten years, such as 90d or 12h, or "never"`, s)
}

func tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens; their text is not kept", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), func(a *app) error {
				tokens, err := a.store.FindTokens(cmd.Context())
				if err != nil {
					return err
				}
				return printTokens(cmd.OutOrStdout(), tokens, a.now())
			})
		},
	}
}

func printTokens(out io.Writer, tokens []risk.Token, now time.Time) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\trole\tstate\tcreated\texpires\tlast used")
	for _, t := range tokens {
		state := "live"
		switch {
		case !t.Revoked.IsZero():
			state = "revoked " + t.Revoked.Format(time.DateOnly)
		case !t.Live(now):
			state = "expired"
		}
		row := []string{t.Name, string(t.Role), state, t.Created.Format(time.DateOnly), dayOr(t.Expires, "never"), dayOr(t.LastUsed, "never")}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

func dayOr(t time.Time, otherwise string) string {
	if t.IsZero() {
		return otherwise
	}
	return t.Format(time.DateOnly)
}

func tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "End a token at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd.Context(), func(a *app) error {
				err := a.store.RevokeToken(cmd.Context(), args[0], a.now())
				if errors.Is(err, risk.ErrNotFound) {
					return fmt.Errorf("no token %q", args[0])
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "revoked %s\n", args[0])
				return nil
			})
		},
	}
}
