package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
)

func userCommand() *cobra.Command {
	command := &cobra.Command{Use: "user", Short: "People who sign in to the portal"}
	command.AddCommand(userAddCommand(), userPasswordCommand())
	return command
}

func userAddCommand() *cobra.Command {
	var name, role string
	command := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add a person; the password is asked for, or read from standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			user := risk.User{Email: strings.ToLower(strings.TrimSpace(args[0])), Name: name, Role: risk.Role(role)}
			if err := user.Validate(); err != nil {
				return err
			}
			var err error
			if user.PasswordHash, err = readHash(cmd); err != nil {
				return err
			}
			return withStore(cmd.Context(), func(a *app) error {
				user.Created = a.now()
				added, err := a.store.CreateUser(cmd.Context(), user)
				if errors.Is(err, risk.ErrConflict) {
					return fmt.Errorf("%s has an account already", user.Email)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "added %s as %s\n", added.Email, added.Role)
				return nil
			})
		},
	}
	command.Flags().StringVar(&name, "name", "", "the person's name, shown in the portal")
	command.Flags().StringVar(&role, "role", string(risk.RoleAnalyst), "analyst, procurement, ciso, auditor or admin")
	return command
}

func userPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "password EMAIL",
		Short: "Give a person a new password, which ends the sessions of the old one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			email := strings.ToLower(strings.TrimSpace(args[0]))
			return withStore(cmd.Context(), func(a *app) error {
				user, err := a.store.FindUserByEmail(cmd.Context(), email)
				if errors.Is(err, risk.ErrNotFound) {
					return fmt.Errorf("nobody has the address %s", email)
				}
				if err != nil {
					return err
				}
				hash, err := readHash(cmd)
				if err != nil {
					return err
				}
				if err := a.store.SetPassword(cmd.Context(), user.ID, hash); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s has a new password\n", user.Email)
				return nil
			})
		},
	}
}

// readHash reads a password and gives what is kept of it.
func readHash(cmd *cobra.Command) (string, error) {
	password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
	if err != nil {
		return "", err
	}
	return portal.HashPassword(password)
}

// readPassword asks twice on a terminal and reads one line elsewhere.
func readPassword(in io.Reader, out io.Writer) (string, error) {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read password: %w", err)
		}
		return checkPassword(strings.TrimRight(line, "\r\n"))
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		defer fmt.Fprintln(out)
		raw, err := term.ReadPassword(int(file.Fd()))
		return string(raw), err
	}
	first, err := ask("Password (at least 12 characters): ")
	if err != nil {
		return "", err
	}
	if _, err := checkPassword(first); err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

const (
	shortestPassword = 12
	longestPassword  = 256
)

func checkPassword(p string) (string, error) {
	if n := len([]rune(p)); n < shortestPassword || n > longestPassword {
		return "", fmt.Errorf("the password needs %d to %d characters", shortestPassword, longestPassword)
	}
	if !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) {
		return "", errors.New("the password must be text that can be typed: UTF-8, without control characters")
	}
	return p, nil
}
