package trust_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"

	"github.com/google/go-cmp/cmp"
)

func TestSealedDocumentIsParsedTheSame(t *testing.T) {
	raw, err := people().Seal(signer("t1"), signer("t3"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := trust.ParseDocument(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(people(), d); diff != "" {
		t.Fatal(diff)
	}
}

func TestParseDocumentNeedsItsOwnTrustRole(t *testing.T) {
	payload, err := json.Marshal(people())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		raw  []byte
		want trust.Reason
	}{
		"one signature":      {seal(t, trust.TypeTrust, string(payload), "t1"), trust.Threshold},
		"keys of other role": {seal(t, trust.TypeTrust, string(payload), "an", "binh"), trust.WrongRole},
		"strangers":          {seal(t, trust.TypeTrust, string(payload), "mallory", "eve"), trust.UnknownKey},
		"another type":       {seal(t, trust.TypeUpdate, string(payload), "t1", "t2"), trust.WrongType},
		"not an envelope":    {payload, trust.Malformed},
		"payload not JSON":   {seal(t, trust.TypeTrust, "x", "t1", "t2"), trust.Malformed},
		"two of three":       {seal(t, trust.TypeTrust, string(payload), "t2", "t3"), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := trust.ParseDocument(tt.raw)
			wantReason(t, err, tt.want)
		})
	}
}

func TestDocumentRefuses(t *testing.T) {
	grant := func(role trust.Role, change func(*trust.Grant)) func(*trust.Document) {
		return func(d *trust.Document) {
			g := d.Roles[role]
			change(&g)
			d.Roles[role] = g
		}
	}
	member := func(names ...string) (members []trust.Member) {
		for _, n := range names {
			members = append(members, trust.Member{Key: id(n)})
		}
		return members
	}
	tests := map[string]struct {
		change func(*trust.Document)
		want   trust.Reason
	}{
		"good":                     {func(*trust.Document) {}, ""},
		"version 0":                {func(d *trust.Document) { d.Version = 0 }, trust.BadDocument},
		"no organisation":          {func(d *trust.Document) { d.Organisation = " " }, trust.BadDocument},
		"control character":        {func(d *trust.Document) { d.Organisation = "a\x1b[2J" }, trust.BadDocument},
		"no date":                  {func(d *trust.Document) { d.Created = time.Time{} }, trust.BadDocument},
		"no trust role":            {func(d *trust.Document) { delete(d.Roles, trust.RoleTrust) }, trust.BadDocument},
		"unknown role":             {func(d *trust.Document) { d.Roles["king"] = d.Roles[trust.RolePower] }, trust.BadDocument},
		"wrong id":                 {func(d *trust.Document) { d.Keys[0].ID = d.Keys[1].ID }, trust.BadDocument},
		"key twice":                {func(d *trust.Document) { d.Keys = append(d.Keys, d.Keys[0]) }, trust.BadDocument},
		"short key":                {func(d *trust.Document) { d.Keys[0].Public = d.Keys[0].Public[:31] }, trust.BadDocument},
		"person with capitals":     {func(d *trust.Document) { d.Keys[0].Person = "An" }, trust.BadDocument},
		"person with two names":    {func(d *trust.Document) { d.Keys[1].Name = "someone else" }, trust.BadDocument},
		"no name":                  {func(d *trust.Document) { d.Keys[0].Name = "" }, trust.BadDocument},
		"65 keys":                  {func(d *trust.Document) { d.Keys = slices.Repeat(d.Keys, 8) }, trust.Oversized},
		"playlist by one":          {grant(trust.RolePlaylist, func(g *trust.Grant) { g.Threshold = 1 }), trust.BadDocument},
		"playlist without duties":  {grant(trust.RolePlaylist, func(g *trust.Grant) { g.Duties = nil }), trust.BadDocument},
		"playlist without editor":  {grant(trust.RolePlaylist, func(g *trust.Grant) { g.Duties[0] = "reader" }), trust.BadDocument},
		"approver before editor":   {grant(trust.RolePlaylist, func(g *trust.Grant) { slices.Reverse(g.Duties) }), trust.BadDocument},
		"update by one":            {grant(trust.RoleUpdate, func(g *trust.Grant) { g.Threshold = 1 }), trust.BadDocument},
		"trust by one":             {grant(trust.RoleTrust, func(g *trust.Grant) { g.Threshold = 1 }), trust.BadDocument},
		"power by none":            {grant(trust.RolePower, func(g *trust.Grant) { g.Threshold = 0 }), trust.BadDocument},
		"nobody can reach it":      {grant(trust.RoleUpdate, func(g *trust.Grant) { g.Threshold = 3 }), trust.BadDocument},
		"two keys, one person":     {grant(trust.RoleUpdate, func(g *trust.Grant) { g.Members = member("an", "an2") }), trust.BadDocument},
		"member not a key":         {grant(trust.RolePower, func(g *trust.Grant) { g.Members = member("mallory") }), trust.BadDocument},
		"member twice":             {grant(trust.RolePower, func(g *trust.Grant) { g.Members = member("power", "power") }), trust.BadDocument},
		"17 members":               {grant(trust.RolePower, func(g *trust.Grant) { g.Members = slices.Repeat(g.Members, 17) }), trust.Oversized},
		"duty of no role":          {grant(trust.RolePower, func(g *trust.Grant) { g.Members[0].Duty = "editor" }), trust.BadDocument},
		"member without duty":      {grant(trust.RolePlaylist, func(g *trust.Grant) { g.Members[4].Duty = "" }), trust.BadDocument},
		"approver is the editor":   {grant(trust.RolePlaylist, func(g *trust.Grant) { g.Members = g.Members[:2] }), trust.BadDocument},
		"centre edits":             {grant(trust.RolePower, func(g *trust.Grant) { g.Members = member("centre") }), trust.BadDocument},
		"person is also centre":    {grant(trust.RoleTime, func(g *trust.Grant) { g.Members = member("an2") }), trust.BadDocument},
		"more duties than signers": {grant(trust.RolePlaylist, func(g *trust.Grant) { g.Duties = append(g.Duties, "reader") }), trust.BadDocument},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := people()
			tt.change(d)
			wantReason(t, d.Validate(), tt.want)
			_, err := d.Seal(signer("t1"), signer("t2"))
			if (err == nil) != (tt.want == "") {
				t.Fatalf("Seal: %v", err)
			}
		})
	}
}

func TestDocumentIsStrictJSON(t *testing.T) {
	good, err := json.Marshal(people())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ old, new string }{
		"unknown field":   {`{"version"`, `{"comment":"","version"`},
		"version twice":   {`{"version"`, `{"version":1,"version"`},
		"role twice":      {`"roles":{`, `"roles":{"power":{"threshold":1,"members":[]},`},
		"other case":      {`"organisation"`, `"Organisation"`},
		"version a text":  {`"version":7`, `"version":"7"`},
		"key with an end": {`"public":"`, `"public":"\n`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(good), tt.old, tt.new, 1)
			if bad == string(good) {
				t.Fatal("the case changes nothing")
			}
			_, err := trust.DecodeDocument([]byte(bad))
			wantReason(t, err, trust.Malformed)
		})
	}
	_, err = trust.DecodeDocument(bytes.Repeat([]byte(" "), trust.MaxDocument+1))
	wantReason(t, err, trust.Oversized)
}

func TestNextNeedsTheOldAndTheNewTrustRole(t *testing.T) {
	old := people()
	next := people()
	next.Version++
	replaced := people() // t2 leaves, t4 comes
	replaced.Version++
	replaced.Keys[7] = trust.NewKey(signer("t4").Public(), "root.4", "ROOT.4")
	replaced.Roles[trust.RoleTrust] = trust.Grant{Threshold: 2, Members: []trust.Member{{Key: id("t1")}, {Key: id("t3")}, {Key: id("t4")}}}
	tests := map[string]struct {
		doc     *trust.Document
		signers []string
		want    trust.Reason
	}{
		"same keys":                {next, []string{"t1", "t2"}, ""},
		"one new key":              {replaced, []string{"t1", "t3"}, ""},
		"old and new both reached": {replaced, []string{"t1", "t2", "t4"}, ""},
		"new alone":                {replaced, []string{"t3", "t4"}, trust.Threshold},
		"old alone":                {replaced, []string{"t1", "t2"}, trust.Threshold},
		"not newer":                {old, []string{"t1", "t2"}, trust.Stale},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var signers []trust.Signer
			for _, s := range tt.signers {
				signers = append(signers, signer(s))
			}
			raw, err := tt.doc.Seal(signers...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = old.Next(raw)
			wantReason(t, err, tt.want)
		})
	}
}

func TestTypesAndRolesAreOneToOne(t *testing.T) {
	for _, r := range trust.Roles() {
		if r.Type().Role() != r {
			t.Errorf("role %s has type %s, which needs role %q", r, r.Type(), r.Type().Role())
		}
	}
	if got := trust.Type("application/vnd.bangtin..v1+json").Role(); got != "" {
		t.Errorf("a type of nothing needs role %q", got)
	}
}
