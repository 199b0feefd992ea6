package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/measure"
)

func newMeasureDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff A.json B.json", Short: "Show two results of measure side by side",
		Example: "  lameduckctl measure diff without-lameduck.json with-lameduck.json", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := measure.ReadReport(args[0])
			if err != nil {
				return err
			}
			b, err := measure.ReadReport(args[1])
			if err != nil {
				return err
			}
			return measure.Diff(cmd.OutOrStdout(), filepath.Base(args[0]), filepath.Base(args[1]), a, b)
		},
	}
}
