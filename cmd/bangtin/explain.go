package main

import (
	"errors"
	"fmt"

	"bangtin/internal/trust"
	"bangtin/media"
)

// refused explains why a signed file was not accepted.
func refused(file string, err error) error {
	var r *trust.Refusal
	if errors.As(err, &r) {
		return explainRefusal(file, r)
	}
	return err
}

func explainRefusal(file string, r *trust.Refusal) *problem {
	what, remedy := refusalWords(r.Reason)
	return &problem{field: file, what: what, remedy: remedy, cause: r}
}

func refusalWords(reason trust.Reason) (what, remedy phrase) {
	switch reason {
	case trust.Malformed:
		return say("is not a signed file of this system"), say("take the file again from whoever made it; do not edit it")
	case trust.Oversized:
		return say("is too large"), say("make it smaller: fewer items, keys or signatures")
	case trust.WrongType:
		return say("was signed for another purpose"), say("check that this is the right file")
	case trust.BadSignature:
		return say("was changed after it was signed"), say("take the file again, or sign it anew")
	case trust.UnknownKey:
		return say("was signed by unknown keys alone"), say("sign it with keys of the trust document")
	case trust.WrongRole:
		return say("was signed by a key without the role"), say("have someone sign who holds the role: bangtin trust show")
	case trust.RoleUnassigned:
		return say("needs a role that nobody holds"), say("issue a trust document that grants the role")
	case trust.Threshold:
		return say("has too few signatures"), say("have the other people sign it too")
	case trust.SamePerson:
		return say("was signed by one person with several keys"), say("have another person sign it too")
	case trust.DutyMissing:
		return say("lacks the signature of the editor or of the approver"), say("have someone sign who holds that duty: bangtin trust show")
	case trust.Stale:
		return say("is not newer than the present one"), say("raise --version")
	}
	return say("contradicts itself or the rules of this system"), say("correct what the detail names, and make it anew")
}

// explainFinding puts the option before the field's name. Media speaks English; for other languages the catalogue
// has one remedy per field, and what media says stays as the detail.
func (p *Program) explainFinding(f media.Finding) *problem {
	option, remedy := fieldWords(f.Field)
	place := option
	if f.Item != "" {
		place = fmt.Sprintf("%s: %s", f.Item, option)
	}
	if p.translation == nil {
		return &problem{field: place, what: phrase{english: f.Problem}, remedy: phrase{english: f.Remedy}}
	}
	return &problem{field: place, what: say("is not acceptable"), remedy: remedy, cause: errors.New(f.Problem + "; " + f.Remedy)}
}

// fieldWords names the option that fills a field of the playlist, and what a good value is.
func fieldWords(field string) (option string, remedy phrase) {
	switch field {
	case "id":
		return "--id", say("use 3 to 40 (an item: 1 to 60) of a-z, 0-9 and -, each id once")
	case "title":
		return "--title", say("write a title of one line, at most 200 characters")
	case "audience":
		return "--audience", say("name displays, each once, or * alone for all")
	case "items":
		return "playlist add", say("keep 1 to 500 items")
	case "category":
		return "--category", say("use country-promotion, integration-achievements, border-rules, sea-islands, essential-info, economy-investment or foreign-affairs")
	case "language":
		return "--language", say("use vi, en or km, or zxx for a picture or video without any words")
	case "seconds":
		return "--seconds", say("use 3 to 3600 seconds")
	case "until":
		return "--until", say("let it end after it begins, or leave one out")
	case "source.type":
		return "--source-type", say("use agency, press or censored")
	case "source.organisation":
		return "--organisation", say("name the organisation it comes from, at most 200 characters")
	case "source.document":
		return "--document", say("give the number of the document that carries or clears it, at most 100 characters")
	case "contributor":
		return "--contributor", say("name who is liable and paid for it, at most 200 characters")
	case "rights":
		return "--rights", say("say under which licence or agreement it is shown, at most 300 characters")
	case "editor":
		return "--editor", say("name the person who edited it, at most 100 characters")
	case "approver":
		return "--approver", say("name the person who approved it, never the editor")
	case "non_secret":
		return "--non-secret", say("declare with --non-secret that it holds no state secret, or leave it out")
	case "text.heading":
		return "--heading", say("write a heading of one line, at most 120 characters")
	case "text.body":
		return "--body", say("write at most 1200 characters")
	case "text.foreground":
		return "--foreground", say("give two colours as #rrggbb with a contrast of at least 4.5:1")
	case "text.background":
		return "--background", say("give two colours as #rrggbb with a contrast of at least 4.5:1")
	}
	return field, say("see the detail")
}
