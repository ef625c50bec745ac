package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
)

func scoreCommand() *cobra.Command {
	command := &cobra.Command{Use: "score", Short: "Posture scores and their arithmetic"}
	var asJSON bool
	explain := &cobra.Command{
		Use:   "explain SUPPLIER",
		Short: "Show a supplier's score with every row that made it (by name or number)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd.Context(), func(a *app) error {
				supplier, err := a.findSupplier(cmd, args[0])
				if err != nil {
					return err
				}
				posture, err := a.findScore(cmd.Context(), supplier.ID)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(risk.Explain(supplier.Name, posture))
				}
				return printScore(cmd.OutOrStdout(), supplier, posture)
			})
		},
	}
	explain.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	command.AddCommand(explain)
	return command
}

// findScore finds a supplier's score, and computes the first one where no worker has yet.
func (a *app) findScore(ctx context.Context, supplierID int64) (risk.Score, error) {
	posture, err := a.store.FindScore(ctx, supplierID)
	if !errors.Is(err, risk.ErrNotFound) {
		return posture, err
	}
	weights, err := score.LoadWeights()
	if err != nil {
		return risk.Score{}, err
	}
	steps := pipeline.Pipeline{Store: a.store, Weights: weights, WatchDuty: a.settings.Duty(), Log: a.log, Now: a.now}
	if err := steps.Rescore(ctx, supplierID); err != nil {
		return risk.Score{}, err
	}
	return a.store.FindScore(ctx, supplierID)
}

func (a *app) findSupplier(cmd *cobra.Command, nameOrNumber string) (risk.Supplier, error) {
	supplier, err := a.store.FindSupplierByName(cmd.Context(), nameOrNumber)
	if id, notNumber := strconv.ParseInt(nameOrNumber, 10, 64); errors.Is(err, risk.ErrNotFound) && notNumber == nil {
		supplier, err = a.store.FindSupplier(cmd.Context(), id)
	}
	if errors.Is(err, risk.ErrNotFound) {
		return supplier, fmt.Errorf("no supplier %q", nameOrNumber)
	}
	return supplier, err
}

func printScore(out io.Writer, supplier risk.Supplier, s risk.Score) error {
	grade := s.Grade
	if !s.Sufficient() {
		grade = "insufficient evidence"
	}
	fmt.Fprintf(out, "%s: %.1f (%s), 80 %% range %.1f to %.1f, confidence %.2f, weights %s, %s\n\n",
		supplier.Name, s.Number, grade, s.Low, s.High, s.Confidence, s.Weights, s.At.Format(time.RFC3339))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "points\tfactor\tage\tclears on\twhat")
	for _, c := range s.Contributions {
		points, age, clears := fmt.Sprintf("%+.2f", c.Points), "", ""
		if c.Unknown {
			points = "unknown"
		}
		if c.AgeFactor > 0 {
			age = fmt.Sprintf("×%.2f", c.AgeFactor)
		}
		if !c.ClearsOn.IsZero() {
			clears = c.ClearsOn.Format(time.DateOnly)
		}
		what := c.Label
		if c.Counted > 0 {
			what += fmt.Sprintf(" (and %d only counted in dumps, which the range allows for)", c.Counted)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", points, c.Factor, age, clears, what)
	}
	return table.Flush()
}
