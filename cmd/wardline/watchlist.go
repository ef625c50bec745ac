package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func watchlistCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watchlist",
		Short: "Check a watchlist, or compile it for scans",
	}
	cmd.AddCommand(watchlistCheckCommand(), watchlistCompileCommand())
	return cmd
}

func watchlistCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Say what a watchlist holds and which of its lines cannot be used",
		Long: `Say what a watchlist holds and which of its lines cannot be used.

The file is CSV with the header supplier,kind,value, or what "wardline watchlist compile" made of one.

Exit code 0: every line can be used. 2: some cannot, or the file cannot be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkWatchlist(args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func watchlistCompileCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "compile FILE --output FILE",
		Short: "Compile a watchlist, so that scans with it start at once",
		Long: `Compile a watchlist, so that scans with it start at once.

"wardline scan --watchlist" takes the compiled file like the CSV. It holds the same terms in clear, and it is read by
the version of wardline that made it: compile again after an update when scan asks for it. Lines that cannot be used
are named and left out.

Exit code 0: all lines are in the compiled file. 2: some are not, or nothing was written.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return compileWatchlist(args[0], output, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "compiled file to write (required)")
	cobra.CheckErr(cmd.MarkFlagRequired("output"))
	return cmd
}

func checkWatchlist(path string, out, errs io.Writer) error {
	warned := &countedLines{w: errs}
	scanner, err := openWatchlist(path, warned)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, watchlistSummary(scanner)); err != nil {
		return &outputError{err}
	}
	return warned.failure()
}

func compileWatchlist(path, output string, out, errs io.Writer) error {
	warned := &countedLines{w: errs}
	scanner, err := openWatchlist(path, warned)
	if err != nil {
		return err
	}
	size, err := writeWatchlist(output, scanner)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s: %s, %s\n", shown(output), watchlistSummary(scanner), humanize.IBytes(uint64(size))); err != nil {
		return &outputError{err}
	}
	return warned.failure()
}

// writeWatchlist puts the compiled watchlist in place whole: a scan may have the former file mapped.
func writeWatchlist(path string, scanner *match.Scanner) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".watchlist-*")
	if file := (*fs.PathError)(nil); errors.As(err, &file) { // nobody asked for the file beside it
		return 0, fmt.Errorf("write compiled watchlist %s: %w", path, file.Err)
	}
	if err != nil {
		return 0, fmt.Errorf("write compiled watchlist: %w", err)
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriter(f)
	size, err = scanner.WriteTo(w)
	if err = errors.Join(err, w.Flush(), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return 0, fmt.Errorf("write compiled watchlist: %w", plain(err))
	}
	return size, nil
}

// watchlistSummary says how many terms of which kind there are.
func watchlistSummary(scanner *match.Scanner) string {
	count := map[risk.TermKind]int{}
	for i := range scanner.Terms() {
		count[scanner.Term(i).Kind]++
	}
	parts := []string{}
	for _, kind := range risk.TermKinds {
		if n := count[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", humanize.Comma(int64(n)), kind))
		}
	}
	return fmt.Sprintf("%s terms (%s)", humanize.Comma(int64(scanner.Terms())), strings.Join(parts, ", "))
}

// countedLines passes warnings on and counts them.
type countedLines struct {
	w     io.Writer
	lines int
}

func (c *countedLines) Write(b []byte) (int, error) {
	c.lines += bytes.Count(b, []byte("\n"))
	return c.w.Write(b)
}

func (c *countedLines) failure() error {
	if c.lines > 0 {
		return exitFailed
	}
	return nil
}

// openWatchlist gives the scanner of a watchlist, be it CSV or compiled. Broken lines are named to warn and left out;
// none left is an error.
func openWatchlist(path string, warn io.Writer) (*match.Scanner, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open watchlist: %w", plain(err))
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read watchlist: %w", plain(err))
	}
	if match.Saved(head[:n]) {
		return loadWatchlist(f)
	}
	return parseWatchlist(path, io.MultiReader(bytes.NewReader(head[:n]), f), warn)
}

func parseWatchlist(path string, r io.Reader, warn io.Writer) (*match.Scanner, error) {
	suppliers, problems := catalog.ParseWatchlist(path, r)
	for _, p := range problems {
		fmt.Fprintf(warn, "wardline: %s\n", shown(p.Error()))
	}
	var terms []risk.WatchTerm
	for _, s := range suppliers {
		for _, t := range s.Terms {
			if err := match.Check(t); err != nil {
				fmt.Fprintf(warn, "wardline: %s: %s\n", shown(path), shown(err.Error()))
				continue
			}
			terms = append(terms, t)
		}
	}
	if len(terms) == 0 {
		return nil, fmt.Errorf("watchlist %s holds no term that can be used", path)
	}
	return match.Compile(terms)
}

// loadWatchlist maps a compiled watchlist for as long as the program runs, or reads it where files cannot be mapped.
func loadWatchlist(f *os.File) (*match.Scanner, error) {
	data, err := mapFile(f)
	if err != nil {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read watchlist: %w", plain(err))
		}
		if data, err = io.ReadAll(f); err != nil {
			return nil, fmt.Errorf("read watchlist: %w", plain(err))
		}
	}
	scanner, err := match.Load(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return scanner, nil
}
