// Command wardline watches a hospital's suppliers for leaked credentials and claims, scores them, and tells the right
// people. One binary in several roles: see the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once; whatever it did is taken up by the next one
	err := rootCommand().ExecuteContext(ctx)
	var code exitCode
	if errors.As(err, &code) {
		os.Exit(int(code))
	}
	if err != nil {
		printError(os.Stderr, err)
		os.Exit(2)
	}
}

// printError says an error, or each of several, in a line that begins with who says so.
func printError(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "wardline: %s\n", strings.TrimSuffix(line, "\n"))
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "wardline",
		Short:         "Supplier risk and dark-web exposure for hospitals",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(demoCommand(), serveCommand(), workCommand(), collectCommand(), scanCommand(), huntCommand(), watchlistCommand(), migrateCommand(),
		sourceCommand(), supplierCommand(), userCommand(), tokenCommand(), scoreCommand(), benchCommand())
	explainUsage(root)
	return root
}

// version is the commit that the binary was built from, as far as the build recorded it.
func version() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// commit is set by make build.
var commit string

// explainUsage lets every mistake in a command line end with where its right form is told, and makes an unknown
// subcommand a mistake, which cobra would answer with the help of its parent.
func explainUsage(command *cobra.Command) {
	told := func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())
	}
	if check := command.Args; check != nil {
		command.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w; use it as `%s`, see --help", err, cmd.UseLine())
			}
			if err := cmd.ValidateRequiredFlags(); err != nil {
				return told(cmd, err)
			}
			return nil
		}
	}
	command.SetFlagErrorFunc(told)
	if command.HasSubCommands() && !command.Runnable() {
		command.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return told(cmd, fmt.Errorf("%s: no such command", args[0]))
			}
			return cmd.Help()
		}
		command.Args = cobra.ArbitraryArgs
	}
	for _, sub := range command.Commands() {
		explainUsage(sub)
	}
}

// plain leaves out of a file's error the system call and the repeated path that Go puts into it.
func plain(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("%s: %w", file.Path, file.Err)
	}
	return err
}

// exitCode ends the process with that code; what there is to say was said already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

const (
	exitNothing exitCode = 1
	exitFailed  exitCode = 2
)
