package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lameduck/deploy/ctl/lint"
)

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain [RULE]...", Short: "Explain a rule of lint",
		Long: "Explain prints what a rule of lint checks, the consequence and the remedy. Without a rule " +
			"it lists all rules.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRules(cmd.OutOrStdout())
			}
			return explain(cmd.OutOrStdout(), args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleIDs(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func listRules(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range lint.Rules() {
		fmt.Fprintf(table, "%s\t%v\t%s\n", r.ID, r.Severity, r.Title)
	}
	return table.Flush()
}

func explain(w io.Writer, ids []string) error {
	for i, id := range ids {
		r, known := lint.Find(id)
		if !known {
			return fmt.Errorf("unknown rule %q: %s", id, similar(id))
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s (%v): %s\n\n%s\n", r.ID, r.Severity, r.Title, wrapped(r.Text(), explainWidth))
	}
	return nil
}

// explainWidth is the usual width of a terminal.
const explainWidth = 80

// wrapped breaks a paragraph into lines of a width.
func wrapped(text string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

func ruleIDs() []string {
	var ids []string
	for _, r := range lint.Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// similar suggests rules that have a word in common with an unknown one.
func similar(id string) string {
	var found []string
	for _, known := range ruleIDs() {
		for word := range strings.SplitSeq(id, "-") {
			if len(word) > 2 && strings.Contains(known, word) {
				found = append(found, known)
				break
			}
		}
	}
	if len(found) == 0 {
		return "lameduckctl explain lists all rules"
	}
	return "did you mean " + strings.Join(found, ", ") + "?"
}
