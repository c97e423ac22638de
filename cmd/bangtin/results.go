package main

import (
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// The results of commands for --json. Their field names are a promise to scripts.

type keyObject struct {
	Key     string `json:"key"`
	Person  string `json:"person"`
	Name    string `json:"name"`
	Private string `json:"private"`
	Public  string `json:"public"`
}

type draftObject struct {
	Dir      string `json:"dir"`
	Playlist string `json:"playlist"`
	Version  uint64 `json:"version"`
}

type itemObject struct {
	Dir     string `json:"dir"`
	Item    string `json:"item"`
	Number  int    `json:"number"`
	Seconds int    `json:"seconds"`
}

type showObject struct {
	Playlist *media.Playlist `json:"playlist"`
	SHA256   string          `json:"sha256,omitempty"`
	KeyIDs   []string        `json:"keyids"` // that signatures name; not checked
}

func showOf(d *draft) showObject {
	o := showObject{Playlist: d.playlist, KeyIDs: []string{}}
	if d.envelope != nil {
		o.SHA256 = d.digest()
		for _, s := range d.envelope.Signatures {
			o.KeyIDs = append(o.KeyIDs, s.KeyID)
		}
	}
	return o
}

type approvalObject struct {
	Playlist   string     `json:"playlist"`
	Version    uint64     `json:"version"`
	SHA256     string     `json:"sha256"`
	Key        string     `json:"key"`
	Signatures int        `json:"signatures"`
	Complete   bool       `json:"complete"`
	Items      int        `json:"items"`
	Seconds    int        `json:"seconds"`
	Ends       *time.Time `json:"ends"` // of the last item; null when one never ends
}

func approvalOf(d *draft, key string, seconds int) approvalObject {
	n := len(d.envelope.Signatures)
	return approvalObject{
		Playlist: d.playlist.ID, Version: d.playlist.Version, SHA256: d.digest(), Key: key, Signatures: n,
		Complete: n >= 2, Items: len(d.playlist.Items), Seconds: seconds, Ends: lastEnd(d.playlist),
	}
}

type exportObject struct {
	Out      string   `json:"out"`
	Playlist string   `json:"playlist"`
	Version  uint64   `json:"version"`
	Audience []string `json:"audience"`
	SHA256   string   `json:"sha256"`
	Checked  bool     `json:"checked"` // the signatures, against a trust document
	People   []string `json:"people"`  // editor and approver, where they were checked
}

func exportOf(d *draft, out string, people []string) exportObject {
	return exportObject{
		Out: out, Playlist: d.playlist.ID, Version: d.playlist.Version, Audience: d.playlist.Audience, SHA256: d.digest(),
		Checked: people != nil, People: append([]string{}, people...),
	}
}

type orderObject struct {
	File  string           `json:"file"`
	Topic string           `json:"topic"`
	Order *wire.PowerOrder `json:"order"`
}

type documentObject struct {
	File     string          `json:"file"`
	Document *trust.Document `json:"document"`
	Valid    bool            `json:"valid"`             // signed by enough of the people it names
	Lacking  trust.Reason    `json:"lacking,omitempty"` // why it is not valid
}

func documentOf(path string, d *trust.Document, lacking error) documentObject {
	return documentObject{File: path, Document: d, Valid: lacking == nil, Lacking: reasonOf(lacking)}
}

type usageObject struct {
	Command string         `json:"command"`
	Operand string         `json:"operand,omitempty"`
	About   string         `json:"about"`
	Options []optionObject `json:"options"`
}

type optionObject struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

func usageOf(p *Program, c command, o *options) usageObject {
	u := usageObject{Command: c.name, Operand: c.operand, About: p.text(c.about), Options: []optionObject{}}
	for _, d := range o.described {
		u.Options = append(u.Options, optionObject{"--" + d.name, p.text(d.about)})
	}
	return u
}

type overviewObject struct {
	Commands []usageObject `json:"commands"`
}

func overviewOf(p *Program) overviewObject {
	var o overviewObject
	for _, c := range p.commands() {
		o.Commands = append(o.Commands, usageOf(p, c, &options{}))
	}
	return o
}

// A keptObject is a command that was written and not sent.
type keptObject struct {
	Command    string           `json:"command"`
	File       string           `json:"file"`
	Kind       wire.CommandKind `json:"kind"`
	Audience   []string         `json:"audience"`
	Expires    time.Time        `json:"expires"`
	Role       trust.Role       `json:"role"`
	Signatures int              `json:"signatures"`
	Needed     int              `json:"needed"`
}

func keptOf(out *outgoing, path string) keptObject {
	c, role := out.command, out.role()
	return keptObject{
		Command: c.ID, File: path, Kind: c.Kind, Audience: c.Audience, Expires: c.Expires, Role: role,
		Signatures: len(out.envelope.Signatures), Needed: trust.MinThreshold(role),
	}
}

type centreObject struct {
	Dir       string   `json:"dir"`
	Hosts     []string `json:"hosts"`
	Authority string   `json:"authority"` // of the displays, as people compare it
	Key       string   `json:"key"`       // of the centre: collect and time
	Public    string   `json:"public"`    // its file
}

type operatorObject struct {
	Operator string `json:"operator"`
	Folder   string `json:"folder"`
}

type codeObject struct {
	Device  string    `json:"device"`
	Code    string    `json:"code"`
	Expires time.Time `json:"expires"`
	Ready   bool      `json:"ready"` // the trust document is there, without which no display is enrolled
}

type enrolledObject struct {
	File string `json:"file"`
}

type revokedObject struct {
	Name    string `json:"name"`
	Revoked int    `json:"revoked"` // certificates
}

type crlObject struct {
	File string `json:"file"`
}

type renewedObject struct {
	Renewed []string `json:"renewed"`
}
