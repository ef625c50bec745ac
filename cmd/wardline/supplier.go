package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/catalog"
)

func supplierCommand() *cobra.Command {
	command := &cobra.Command{Use: "supplier", Short: "Suppliers and their watch terms"}
	command.AddCommand(&cobra.Command{
		Use:   "import FILE",
		Short: "Add suppliers and watch terms from a CSV file with the header supplier,kind,value",
		Long: "Add suppliers and watch terms from a CSV file with the header supplier,kind,value. Suppliers that are not known\n" +
			"are made; terms that are known stay. Broken lines are named and the rest is imported; the exit code is then 1.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return plain(err)
			}
			defer file.Close()
			suppliers, problems := catalog.ParseWatchlist(args[0], file)
			for _, p := range problems {
				fmt.Fprintln(cmd.ErrOrStderr(), p)
			}
			if len(suppliers) == 0 {
				return fmt.Errorf("%s: nothing to import", args[0])
			}
			return withStore(cmd.Context(), func(a *app) error {
				made, terms, err := a.store.ImportTerms(cmd.Context(), suppliers)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d suppliers added, %d watch terms added, %d lines rejected\n", made, terms, len(problems))
				if len(problems) > 0 {
					return exitCode(1)
				}
				return nil
			})
		},
	})
	return command
}
