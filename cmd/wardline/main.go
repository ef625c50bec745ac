// Command wardline watches a hospital's suppliers for leaked credentials and claims, scores them, and tells the right
// people. One binary in several roles: see the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := rootCommand().ExecuteContext(ctx)
	var code exitCode
	if errors.As(err, &code) {
		os.Exit(int(code))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wardline:", err)
		os.Exit(2)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "wardline",
		Short:         "Supplier risk and dark-web exposure for hospitals",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(demoCommand(), serveCommand(), workCommand(), collectCommand(), scanCommand(), migrateCommand(),
		sourceCommand(), supplierCommand(), userCommand(), tokenCommand(), scoreCommand(), benchCommand())
	return root
}
