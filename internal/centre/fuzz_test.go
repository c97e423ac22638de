package centre_test

import (
	"testing"

	"bangtin/internal/centre"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
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

// FuzzReadOrder holds what is true of every message on a desired topic: nothing stands that the department did not sign,
// and no claim is beyond what a version may be.
func FuzzReadOrder(f *testing.F) {
	d, err := brokertest.NewDepartment()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []struct {
		t       trust.Type
		topic   string
		payload string
	}{
		{trust.TypePower, "bt/v1/d/tinh-bien-01/desired/power", `{"device":"tinh-bien-01","version":7,"state":"schedule","until":null,"reason":""}`},
		{trust.TypePlaylist, "bt/v1/d/tinh-bien-01/desired/playlist", `{"version":8,"audience":["*"]}`},
		{trust.TypeTrust, "bt/v1/d/tinh-bien-01/desired/trust", `{"version":2}`},
	} {
		raw, err := brokertest.Seal(seed.t, []byte(seed.payload), d.Stranger)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed.topic, raw)
	}
	f.Fuzz(func(t *testing.T, topic string, raw []byte) {
		o, claims, reason := centre.ReadOrder(d.Document, topic, raw)
		if o != nil || reason == "" {
			t.Fatalf("%+v stands", o)
		}
		if claims > 1<<53 {
			t.Fatalf("claims %d", claims)
		}
	})
}
