package main

import (
	"context"
	"fmt"

	"bangtin/internal/centre/store"
)

// verify checks the database while the centre runs or not, and prints one line for each finding.
func (m *Main) verify(ctx context.Context) error {
	report, err := store.Verify(ctx, below(m.dir, "center.db"))
	if err != nil {
		return err
	}
	for _, note := range report.Notes {
		fmt.Fprintln(m.Stdout, "note: "+note)
	}
	for _, finding := range report.Findings {
		fmt.Fprintln(m.Stdout, finding)
	}
	fmt.Fprintf(m.Stdout, "%d displays, %d records (%d of them appended twice), %d commands\n",
		report.Displays, report.Records, report.Again, report.Commands)
	if !report.OK() {
		return fmt.Errorf("%d findings", report.Found)
	}
	return nil
}
