package centre_test

import (
	"testing"

	"bangtin/internal/centre"
	"bangtin/internal/journal"
)

// FuzzReadBatch holds what is true of every batch that is taken: there are records, they follow each other, and each is
// what was hashed.
func FuzzReadBatch(f *testing.F) {
	f.Add(sealed(f, 1))
	f.Add(sealed(f, 3))
	f.Fuzz(func(t *testing.T, message []byte) {
		b, err := centre.ReadBatch("tinh-bien-01", message)
		if err != nil {
			if b != nil {
				t.Fatal("a batch beside an error")
			}
			return
		}
		if len(b.Records) == 0 || len(b.Records) > 100 {
			t.Fatalf("%d records", len(b.Records))
		}
		for i, r := range b.Records {
			prev := r.Prev
			if i > 0 {
				prev = b.Records[i-1].Hash
				if r.Seq != b.Records[i-1].Seq+1 {
					t.Fatal("a gap")
				}
			}
			if err := journal.Check(prev, r); err != nil {
				t.Fatal(err)
			}
		}
	})
}
