package centre_test

import (
	"database/sql"
	"net/url"
	"testing"
)

// peek gives the rows of a query of two columns, a word and a number, while the centre runs or not.
func peek(t *testing.T, path, query string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).String()+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var word string
		var n int
		if err := rows.Scan(&word, &n); err != nil {
			t.Fatal(err)
		}
		found[word] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func statuses(t *testing.T, path string) map[string]int {
	t.Helper()
	return peek(t, path, "SELECT status, count(*) FROM outcome GROUP BY status")
}
