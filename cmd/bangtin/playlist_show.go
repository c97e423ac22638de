package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"bangtin/media"
)

func (p *Program) playlistShow(*options) action {
	return func(_ context.Context, dir string) error {
		d, err := openDraft(dir)
		if err != nil {
			return err
		}
		l := d.playlist
		p.tell(say("%s: %s, version %d, for %s", l.ID, visible(l.Title), l.Version, strings.Join(l.Audience, " ")))
		if err := p.table(l.Items); err != nil {
			return err
		}
		if d.envelope == nil {
			p.tell(say("Not signed yet."))
			return nil
		}
		for _, s := range d.envelope.Signatures {
			p.tell(say("Signature that names key %s", visible(s.KeyID)))
		}
		return nil
	}
}

func (p *Program) table(items []media.Item) error {
	w := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join([]string{
		"  #", p.text(say("id")), p.text(say("kind")), p.text(say("category")), p.text(say("language")), p.text(say("seconds")),
		p.text(say("title")), p.text(say("source")), p.text(say("editor")), p.text(say("approver")),
	}, "\t"))
	for i, it := range items {
		source := it.Source.Organisation + ", " + it.Source.Document
		fmt.Fprintf(w, "  %d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", i+1, visible(it.ID), p.text(kindWord(it.Kind)),
			p.text(categoryWord(it.Category)), p.text(languageWord(it.Language)), it.Seconds, visible(it.Title),
			visible(source), visible(it.Editor), visible(it.Approver))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write table: %w", err)
	}
	return nil
}

// visible makes sure that words from a file of unknown origin cannot steer the terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) || r >= '\u200b' && r <= '\u200d' {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func kindWord(k media.ItemKind) phrase {
	switch k {
	case media.Picture:
		return say("picture")
	case media.Video:
		return say("video")
	case media.TextCard:
		return say("text")
	}
	return phrase{english: visible(string(k))}
}

func categoryWord(c media.Category) phrase {
	switch c {
	case media.CountryPromotion:
		return say("country promotion")
	case media.IntegrationAchievements:
		return say("integration achievements")
	case media.BorderRules:
		return say("border rules")
	case media.SeaIslands:
		return say("sea and islands")
	case media.EssentialInfo:
		return say("essential information")
	case media.EconomyInvestment:
		return say("economy and investment")
	case media.ForeignAffairs:
		return say("foreign affairs")
	}
	return phrase{english: visible(string(c))}
}

func languageWord(l media.Language) phrase {
	switch l {
	case media.Vietnamese:
		return say("Vietnamese")
	case media.English:
		return say("English")
	case media.Khmer:
		return say("Khmer")
	case media.Wordless:
		return say("no words")
	}
	return phrase{english: visible(string(l))}
}
