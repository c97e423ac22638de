package media

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Limits of what a playlist may say. Sizes are of one file, in bytes.
const (
	MinSeconds = 3
	MaxSeconds = 3600
	MaxPicture = 32 << 20
	MaxVideo   = 2 << 30
	// MaxVersion is the largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
	MaxVersion  = 1<<53 - 1
	maxAudience = 1000
)

var (
	playlistID = regexp.MustCompile(`^[a-z0-9-]{3,40}$`)
	itemID     = regexp.MustCompile(`^[a-z0-9-]{1,60}$`)
	hexSHA256  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Validate judges a playlist as the regulation and this display want it. It returns nil or [Findings]: all that is
// wrong, up to a hundred, so that an editor mends everything at once. Whether a text's letters are in the fonts is
// [Fonts.Covers]'s question.
func (p *Playlist) Validate() error {
	var found Findings
	c := checker{found: &found}
	if !playlistID.MatchString(p.ID) {
		c.add("id", fmt.Sprintf("is %.60q", p.ID), "use 3 to 40 of a-z, 0-9 and -")
	}
	if p.Version < 1 || p.Version > MaxVersion {
		c.add("version", fmt.Sprintf("is %d", p.Version), "use the time in milliseconds since 1970")
	}
	c.label("title", p.Title, 200)
	p.checkAudience(c)
	if p.Created.IsZero() {
		c.add("created", "is missing", "give the time of making, such as 2027-01-31T08:00:00Z")
	}
	if len(p.Items) < 1 || len(p.Items) > MaxItems {
		c.add("items", fmt.Sprintf("has %d items", len(p.Items)), fmt.Sprintf("keep 1 to %d", MaxItems))
	}
	p.checkItems(&found)
	if len(found) == 0 {
		return nil
	}
	return found
}

func (p *Playlist) checkAudience(c checker) {
	if slices.Equal(p.Audience, []string{everyone}) {
		return
	}
	if len(p.Audience) < 1 || len(p.Audience) > maxAudience {
		c.add("audience", fmt.Sprintf("has %d entries", len(p.Audience)), `name 1 to 1000 displays, or "*" alone for all`)
		return
	}
	seen := make(map[string]bool)
	for _, id := range p.Audience {
		switch {
		case id == everyone:
			c.add("audience", `mixes "*" with displays`, `keep either "*" or the displays`)
		case !playlistID.MatchString(id):
			c.add("audience", fmt.Sprintf("names %.60q", id), "use display ids: 3 to 40 of a-z, 0-9 and -")
		case seen[id]:
			c.add("audience", fmt.Sprintf("names %q twice", id), "name it once")
		}
		seen[id] = true
	}
}

const everyone = "*"

// For reports whether the playlist is meant for the display.
func (p *Playlist) For(display string) bool {
	return slices.Equal(p.Audience, []string{everyone}) || slices.Contains(p.Audience, display)
}

// Files lists the files the playlist needs, each once.
func (p *Playlist) Files() []File {
	var files []File
	seen := make(map[string]bool)
	for _, it := range p.Items {
		if it.File != nil && !seen[it.File.SHA256] {
			seen[it.File.SHA256] = true
			files = append(files, *it.File)
		}
	}
	return files
}

func (p *Playlist) checkItems(found *Findings) {
	ids := make(map[string]bool)
	files := make(map[string]File)
	for i := range p.Items[:min(len(p.Items), MaxItems)] {
		it := &p.Items[i]
		c := checker{item: it.ID, found: found}
		if !itemID.MatchString(it.ID) {
			c.item = fmt.Sprintf("#%d", i+1)
			c.add("id", fmt.Sprintf("is %.80q", it.ID), "use 1 to 60 of a-z, 0-9 and -")
		} else if ids[it.ID] {
			c.add("id", "stands on an earlier item too", "give each item its own")
		}
		ids[it.ID] = true
		it.check(c)
		if it.File == nil {
			continue
		}
		if other, ok := files[it.File.SHA256]; ok && other != *it.File {
			c.add("file", "has another size or type than an earlier item with the same sha256", "correct the wrong one")
		}
		files[it.File.SHA256] = *it.File
	}
}

func (it *Item) check(c checker) {
	c.label("title", it.Title, 200)
	oneOf(c, "category", it.Category, CountryPromotion, IntegrationAchievements, BorderRules, SeaIslands,
		EssentialInfo, EconomyInvestment, ForeignAffairs)
	oneOf(c, "language", it.Language, Vietnamese, English, Khmer, Wordless)
	if it.Seconds < MinSeconds || it.Seconds > MaxSeconds {
		c.add("seconds", fmt.Sprintf("is %d", it.Seconds), fmt.Sprintf("use %d to %d", MinSeconds, MaxSeconds))
	}
	if it.From != nil && it.Until != nil && !it.From.Before(*it.Until) {
		c.add("until", "is not after from", "let it end after it begins, or leave one out")
	}
	it.checkContent(c)
	it.checkApproval(c)
}

// checkApproval holds the item against Articles 4.2b, 6.3, 14.1 and 14.2 of the regulation.
func (it *Item) checkApproval(c checker) {
	oneOf(c, "source.type", it.Source.Type, Agency, Press, Censored)
	c.label("source.organisation", it.Source.Organisation, 200)
	c.label("source.document", it.Source.Document, 100)
	c.label("contributor", it.Contributor, 200)
	c.label("rights", it.Rights, 300)
	c.label("editor", it.Editor, 100)
	c.label("approver", it.Approver, 100)
	if strings.EqualFold(plainName(it.Editor), plainName(it.Approver)) {
		c.add("approver", "is the editor", "have another person approve it")
	}
	if !it.NonSecret {
		c.add("non_secret", "is not true", "declare the item free of state secrets, or take it out")
	}
}

// ApprovedBy checks that every item names the person as its approver, by the trust document's word for that person:
// who approves on screen and on record must be who signed. It returns nil or [Findings]. With Validate, which wants
// another person as editor, no item then has its approver as editor.
func (p *Playlist) ApprovedBy(person string) error {
	var found Findings
	for _, it := range p.Items {
		if it.Approver != person {
			c := checker{item: it.ID, found: &found}
			c.add("approver", fmt.Sprintf("is %.100q, but %q signed as approver", it.Approver, person),
				fmt.Sprintf("name %q there, or have the one who is named sign", person))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// plainName is a name without what a reader cannot see: spaces about it and between its letters.
func plainName(name string) string {
	visible := strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, name)
	return strings.Join(strings.Fields(visible), " ")
}

func (it *Item) checkContent(c checker) {
	switch it.Kind {
	case Picture:
		it.checkFile(c, MaxPicture, "image/png", "image/jpeg")
	case Video:
		it.checkFile(c, MaxVideo, "video/mp4", "video/webm")
	case TextCard:
		it.checkText(c)
	default:
		oneOf(c, "kind", it.Kind, Picture, Video, TextCard)
	}
}

func (it *Item) checkFile(c checker, limit int64, types ...string) {
	if it.Text != nil {
		c.add("text", "stands on an item with a file", "take it out, or change the kind to text")
	}
	if it.File == nil {
		c.add("file", "is missing", "name the file by sha256, size and type")
		return
	}
	if !hexSHA256.MatchString(it.File.SHA256) {
		c.add("file.sha256", fmt.Sprintf("is %.80q", it.File.SHA256), "give 64 lower-case hex digits, as sha256sum prints")
	}
	if it.File.Size < 1 || it.File.Size > limit {
		c.add("file.size", fmt.Sprintf("is %d bytes", it.File.Size), fmt.Sprintf("a %s has 1 to %d", it.Kind, limit))
	}
	oneOf(c, "file.type", it.File.Type, types...)
}

// oneOf checks a value against a closed list.
func oneOf[T ~string](c checker, field string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	c.add(field, fmt.Sprintf("is %.60q", value), "use "+strings.Join(names, ", "))
}
