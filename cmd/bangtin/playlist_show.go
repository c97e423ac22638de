package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"bangtin/media"
)

// playlistShow prints everything that a signature stands for: once there is one, what was signed and not the draft.
func (p *Program) playlistShow(*options) action {
	return func(_ context.Context, dir string) error {
		d, err := openDraft(dir)
		if err != nil {
			return err
		}
		if err := p.showPlaylist(d.playlist); err != nil {
			return err
		}
		if err := p.result(showOf(d)); err != nil {
			return err
		}
		if d.envelope == nil {
			p.tell(say("Not signed yet."))
			return nil
		}
		p.tell(say("Signed content: SHA-256 %s", d.digest()))
		for _, s := range d.envelope.Signatures {
			p.tell(say("Signature that names key %s", visible(s.KeyID)))
		}
		return nil
	}
}

func (p *Program) showItem(n int, it *media.Item) error {
	from, err := optionalClock(it.From)
	if err != nil {
		return err
	}
	until, err := optionalClock(it.Until)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "\n%d. %s: %s\n", n, visible(it.ID), visible(it.Title))
	w := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	line := func(label phrase, words string) {
		if words != "" {
			fmt.Fprintf(w, "   %s\t%s\n", p.text(label), visible(words))
		}
	}
	line(say("kind"), p.text(kindWord(it.Kind)))
	line(say("category"), p.text(categoryWord(it.Category)))
	line(say("language"), p.text(languageWord(it.Language)))
	line(say("seconds"), strconv.Itoa(it.Seconds))
	if f := it.File; f != nil {
		line(say("file"), fmt.Sprintf("%s, %d B", f.Type, f.Size))
		line(phrase{english: "SHA-256"}, f.SHA256)
	}
	if t := it.Text; t != nil {
		line(say("heading"), t.Heading)
		for paragraph := range strings.SplitSeq(t.Body, "\n") {
			line(say("text"), paragraph)
		}
		line(say("colours"), p.text(say("%s on %s", t.Foreground, t.Background)))
	}
	line(say("from"), from)
	line(say("until"), until)
	line(say("source"), fmt.Sprintf("%s, %s, %s", it.Source.Type, it.Source.Organisation, it.Source.Document))
	line(say("contributor"), it.Contributor)
	line(say("rights"), it.Rights)
	line(say("editor"), it.Editor)
	line(say("approver"), it.Approver)
	line(say("state secrets"), p.text(secretWord(it.NonSecret)))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write item: %w", err)
	}
	return nil
}

// optionalClock is empty where there is no time.
func optionalClock(t *time.Time) (string, error) {
	if t == nil {
		return "", nil
	}
	return clock(*t)
}

func secretWord(declaredFree bool) phrase {
	if declaredFree {
		return say("declared to be none")
	}
	return say("not declared")
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
