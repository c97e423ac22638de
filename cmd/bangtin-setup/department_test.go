package main_test

import (
	"fmt"
	"testing"
	"time"

	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

// issued is when the first site file was.
func issued() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }

func keyID(name string) string { return trust.KeyID(signer(name).Public()) }

// document is version n of a department's trust document; its keys begin with who.
func document(t testing.TB, who string, n uint64, signers ...string) []byte {
	t.Helper()
	d := &trust.Document{Version: n, Organisation: "Sở " + who, Created: issued()}
	for _, name := range []string{"site", "t1", "t2", "t3"} {
		d.Keys = append(d.Keys, trust.NewKey(signer(who+name).Public(), who+"."+name, who+" "+name))
	}
	d.Roles = map[trust.Role]trust.Grant{
		trust.RoleSite:  {Threshold: 1, Members: []trust.Member{{Key: keyID(who + "site")}}},
		trust.RoleTrust: {Threshold: 2, Members: []trust.Member{{Key: keyID(who + "t1")}, {Key: keyID(who + "t2")}, {Key: keyID(who + "t3")}}},
	}
	if len(signers) == 0 {
		signers = []string{who + "t1", who + "t2"}
	}
	var keys []trust.Signer
	for _, name := range signers {
		keys = append(keys, signer(name))
	}
	raw, err := d.Seal(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func siteFile(w *world, id, more string) []byte {
	return fmt.Appendf(nil, "[site]\nid = %q\ngate = \"Cửa khẩu Tịnh Biên\"\ndata = %q\n[panel]\ndriver = \"sim\"\n%s", id, w.paths.Data, more)
}

// seal vouches for a file, sound or not.
func seal(t testing.TB, signedBy, id string, file []byte, at time.Time) []byte {
	t.Helper()
	v := stick.Voucher{Site: id, SHA256: digest(file), Issued: at}
	raw, err := v.Sign(signer(signedBy))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// sound is a stick that a new display takes.
func sound(w *world) map[string][]byte {
	w.t.Helper()
	file := siteFile(w, "tinh-bien-01", "")
	return map[string][]byte{
		stick.Site: file, stick.Seal: seal(w.t, "asite", "tinh-bien-01", file, issued()), stick.Trust: document(w.t, "a", 1),
		stick.Code: []byte(code + "\r\n"),
	}
}

const code = "7KQ2-MZ4T-XW3B-PEWI-WQAA-2OTY-TQ7S-3RA3"

// resealed replaces the site file of a stick.
func resealed(w *world, files map[string][]byte, id string, file []byte, at time.Time) map[string][]byte {
	w.t.Helper()
	files[stick.Site], files[stick.Seal] = file, seal(w.t, "asite", id, file, at)
	return files
}
