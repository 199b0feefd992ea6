package main

import (
	"fmt"
	"strings"
	"time"

	"lameduck/bench/internal/table"
	"lameduck/bench/overhead/record"
)

// The generated tables of a document are between these lines.
const (
	costsBegin = "<!-- costs: go run ./bench/overhead -table cost -write docs/performance.md -->"
	costsEnd   = "<!-- end of costs -->"
)

// A costRow is one row of a generated table.
type costRow struct{ Title, Case, Metric string }

// A costColumn is a peer.
type costColumn struct{ Title, Peer string }

// costRows returns the rows of the table of all peers. %s is the number of connections.
func costRows() []costRow {
	return []costRow{
		{"CPU per keep-alive request, µs", "keepalive", "cpu"},
		{"CPU per answer of 1 MiB, ms", "large", "cpu"},
		{"CPU per request over a new connection, µs", "newconn", "cpu"},
		{"... with a full TLS handshake, µs", "tls-handshake", "cpu"},
		{"... with a resumed TLS session, µs", "tls-resumed", "cpu"},
		{"CPU per keep-alive request over TLS, µs", "tls-keepalive", "cpu"},
		{"CPU per answer of 1 MiB over TLS, ms", "tls-large", "cpu"},
		{"resident at start, MB", "idle", "start"},
		{"idle keep-alive connection, of %s, KB", "idle", "perconn"},
		{"... of %s, KB", "idle3k", "perconn"},
		{"idle connection with terminated TLS, of %s, KB", "tls-idle", "perconn"},
		{"... of %s, KB", "tls-idle3k", "perconn"},
		{"added latency at 2,000 requests a second, median, µs", "latency", "added_p50"},
		{"... 99th percentile, µs", "latency", "added_p99"},
		{"%s connections busy at once: latency, median, ms", "busy10k", "p50"},
		{"... 99th percentile, ms", "busy10k", "p99"},
		{"... resident for each connection, KB", "busy10k", "perconn"},
		{"... CPU per request, µs", "busy10k", "cpu"},
	}
}

// scaleRows returns the rows of the scale case, which depend on the number of cores.
func (r report) scaleRows() []costRow {
	var rows []costRow
	for _, s := range r.Series {
		if s.Case != "scale" || s.Peer != lameduck || s.Hidden {
			continue
		}
		title := "scaling: " + s.Title
		if s.Unit != "" {
			title += ", " + s.Unit
		}
		rows = append(rows, costRow{title, s.Case, s.Metric})
	}
	return rows
}

// observeRows returns the rows of the table of the app alone and of the observed one.
func observeRows() []costRow {
	return []costRow{
		{"CPU per keep-alive request, µs", "observe", "cpu"},
		{"CPU per request over a new connection, µs", "observe-newconn", "cpu"},
	}
}

// ratioTo is the peer of the last column: like Lameduck it has a connection to the app for each
// client connection.
const ratioTo = "haproxy-tcp"

// costs returns the generated tables, with only the rows that were measured.
func (r report) costs() string {
	relayed := r.costTable(append(costRows(), r.scaleRows()...), ratioTo, []costColumn{
		{"nginx", "nginx"}, {"HAProxy, http", "haproxy-http"}, {"HAProxy, tcp", ratioTo}, {"Lameduck", lameduck},
	})
	observed := r.costTable(observeRows(), direct, []costColumn{
		{"app alone", direct}, {"app and Lameduck", lameduck},
	})
	var out strings.Builder
	if len(relayed.Rows) > 0 {
		fmt.Fprintf(&out, "\n%s", relayed.Markdown())
	}
	if len(observed.Rows) > 0 {
		fmt.Fprintf(&out, "\nAn app that Lameduck observes instead of relaying:\n\n%s", observed.Markdown())
	}
	fmt.Fprintf(&out, "\n%s\n\n", r.origin())
	return out.String()
}

// costTable returns a table of medians, with a last column for the ratio to a peer.
func (r report) costTable(rows []costRow, ratioTo string, columns []costColumn) table.Table {
	t := table.Table{Header: []string{""}, Align: "l" + strings.Repeat("r", len(columns)+1)}
	ratio := ""
	for _, c := range columns {
		t.Header = append(t.Header, c.Title)
		if c.Peer == ratioTo {
			ratio = "Lameduck ÷ " + c.Title
		}
	}
	t.Header = append(t.Header, ratio)
	for _, row := range rows {
		if cells := r.costCells(row, ratioTo, columns); cells != nil {
			t.Rows = append(t.Rows, cells)
		}
	}
	return t
}

// costCells returns nil if nothing was measured.
func (r report) costCells(row costRow, ratioTo string, columns []costColumn) []string {
	cells, found := []string{r.costTitle(row)}, false
	for _, c := range columns {
		s, ok := r.find(row.Case, c.Peer, row.Metric)
		if !ok {
			cells = append(cells, nothing)
			continue
		}
		cells, found = append(cells, s.Number(s.Median)), true
	}
	if !found {
		return nil
	}
	if s, ok := r.find(row.Case, ratioTo, row.Metric); ok && s.Ratio > 0 {
		return append(cells, table.Number(s.Ratio, 2))
	}
	return append(cells, nothing)
}

// costTitle returns the title of a row, with the number of connections that fit here.
func (r report) costTitle(row costRow) string {
	for _, c := range r.Cases {
		if c.Name == row.Case && strings.Contains(row.Title, "%s") {
			return fmt.Sprintf(row.Title, table.Number(float64(c.Connections), 0))
		}
	}
	return row.Title
}

// find returns a series, and false if it has no values.
func (r report) find(caseName, peer, metric string) (record.Series, bool) {
	for _, s := range r.Series {
		if s.Case == caseName && s.Peer == peer && s.Metric == metric && len(s.Values) > 0 {
			return s, true
		}
	}
	return record.Series{}, false
}

// origin returns what a reader has to know about the values.
func (r report) origin() string {
	lines := []string{fmt.Sprintf("Medians of %d rounds (memory and busy connections: of every other round), %s, %s.",
		r.Rounds, r.Machine, r.Time.Format(time.DateOnly))}
	for _, c := range r.Cases {
		if _, caveat, ok := strings.Cut(c.Title, "; "); ok && c.Name == "scale" {
			lines = append(lines, "Scaling: "+caveat+".")
		}
	}
	return strings.Join(lines, " ")
}
