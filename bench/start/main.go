package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"lameduck/bench/internal/command"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/table"
)

// The generated tables of a document are between these lines.
const (
	tablesBegin = "<!-- start: go run ./bench/start -write docs/performance.md -->"
	tablesEnd   = "<!-- end of start -->"
)

func main() { command.Main("start", run) }

// options configure a run.
type options struct {
	rounds int
	write  string // path of a document, or empty
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("start", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "`number` of measurements, 1 to 100")
	flags.StringVar(&o.write, "write", "", "`file` with the generated tables to replace")
	err = command.Parse(flags, args, func() error {
		if o.rounds < 1 || o.rounds > 100 {
			return errors.New("-rounds: must be 1 to 100")
		}
		return nil
	})
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lameduck-start-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	text, err := measure(ctx, o.rounds, dir, stderr)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, text); err != nil || o.write == "" {
		return err
	}
	return table.ReplaceIn(o.write, tablesBegin, tablesEnd, text)
}

// measure builds all programs and returns the tables.
func measure(ctx context.Context, count int, dir string, stderr io.Writer) (string, error) {
	all := candidates()
	for _, c := range all {
		fmt.Fprintln(stderr, "building:", c.Title)
		if err := c.build(ctx, dir); err != nil {
			return "", err
		}
	}
	set, err := oneCore()
	if err != nil {
		return "", err
	}
	inits, err := traceInits(ctx, dir, set)
	if err != nil {
		return "", err
	}
	var rounds [][]memory
	for i := range count {
		fmt.Fprintf(stderr, "measuring: round %d of %d\n", i+1, count)
		round, err := measureAll(ctx, all, dir, set)
		if err != nil {
			return "", err
		}
		rounds = append(rounds, round)
	}
	return tables(all, medians(rounds), inits) + fmt.Sprintf("\nMedians of %d rounds, %s, %s. KB and MB are decimal.\n\n",
		count, machine.Describe(), time.Now().UTC().Format(time.DateOnly)), nil
}

// tables returns the tables of programs and of initializations.
func tables(all []candidate, read []memory, inits []allocation) string {
	programs := table.Table{Header: []string{"program", "resident, MB", "anonymous, KB", "beyond the empty one, KB"}, Align: "lrrr"}
	for i, c := range all {
		m := read[i]
		programs.Rows = append(programs.Rows, []string{
			c.Title, table.Number(m.Resident/1e6, 1), table.Number(m.Anonymous/1e3, 0),
			table.Number((m.Anonymous-read[0].Anonymous)/1e3, 0),
		})
	}
	packages := table.Table{Header: []string{"package of Lameduck or of a library", "allocated by its initialization, KB"}, Align: "lr"}
	for _, a := range inits {
		packages.Rows = append(packages.Rows, []string{a.Package, table.Number(float64(a.Bytes)/1e3, 0)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n%s", programs.Markdown(), packages.Markdown())
	return b.String()
}
