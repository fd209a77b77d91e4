package verdict

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table prints who passes what in Markdown, and then each failure with its evidence and each case
// that does not apply with the reason.
func Table(cases []Case, subjects []Subject, outcomes []Outcome) string {
	of := map[[2]string]Outcome{}
	for _, o := range outcomes {
		of[[2]string{o.Case, o.Subject}] = o
	}
	rows := [][]string{{"case"}}
	for _, s := range subjects {
		rows[0] = append(rows[0], s.Name)
	}
	for _, c := range cases {
		row := []string{c.Name}
		for _, s := range subjects {
			row = append(row, of[[2]string{c.Name, s.Name}].String())
		}
		rows = append(rows, row)
	}
	var out strings.Builder
	writeRows(&out, rows)
	out.WriteString("\nWhat passes, and who asks for it:\n\n")
	for _, c := range cases {
		fmt.Fprintf(&out, "- %s: %s (%s)\n", c.Name, c.Wants, c.Source)
	}
	out.WriteString("\nUsed as:\n\n")
	for _, s := range subjects {
		fmt.Fprintf(&out, "- %s: %s\n", s.Name, s.Used)
	}
	writeList(&out, "\nWhat failed:\n\n", outcomes, func(o Outcome) string { return o.Failure })
	writeList(&out, "\nWhat does not apply:\n\n", outcomes, func(o Outcome) string { return o.Lacks })
	return out.String()
}

func writeList(out *strings.Builder, title string, outcomes []Outcome, text func(Outcome) string) {
	for _, o := range outcomes {
		if t := text(o); t != "" {
			fmt.Fprintf(out, "%s- %s, %s: %s\n", title, o.Subject, o.Case, t)
			title = ""
		}
	}
}

// String is what the table shows.
func (o Outcome) String() string {
	switch {
	case o.Passed:
		return "yes"
	case o.Lacks != "":
		return "–"
	default:
		return "**no**"
	}
}

// writeRows writes a Markdown table whose columns are in line, the first row being the head.
func writeRows(out *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		out.WriteString("|\n")
		if n == 0 {
			for _, w := range widths {
				out.WriteString("|" + strings.Repeat("-", w+2))
			}
			out.WriteString("|\n")
		}
	}
}
