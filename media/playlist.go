package media

import "time"

// A Playlist is the signed manifest of what a display shows, in order, again and again.
type Playlist struct {
	ID       string    `json:"id"`       // [a-z0-9-]{3,40}
	Version  uint64    `json:"version"`  // strictly rising per display; UTC milliseconds by custom
	Title    string    `json:"title"`    // for people, at most 200 characters
	Audience []string  `json:"audience"` // display ids, or "*" alone for all
	Created  time.Time `json:"created"`
	Items    []Item    `json:"items"` // 1 to 500
}

// An Item is one picture, video or text with everything the regulation wants to know of it.
type Item struct {
	ID          string     `json:"id"`       // [a-z0-9-]{1,60}, unique in the playlist
	Kind        ItemKind   `json:"kind"`     //
	Title       string     `json:"title"`    // for people
	Category    Category   `json:"category"` // Article 4.2a
	Language    Language   `json:"language"` // Article 4.2c
	Seconds     int        `json:"seconds"`  // shown so long, 3 to 3600; a video's own length, rounded up
	File        *File      `json:"file,omitempty"`
	Text        *Text      `json:"text,omitempty"`
	From        *time.Time `json:"from,omitempty"`  // not shown before
	Until       *time.Time `json:"until,omitempty"` // not shown after
	Source      Source     `json:"source"`          // Article 4.2b
	Contributor string     `json:"contributor"`     // Article 14.2: who is liable and paid
	Rights      string     `json:"rights"`          // licence or agreement under which it is shown
	Editor      string     `json:"editor"`          // person who edited it (Article 6.3)
	Approver    string     `json:"approver"`        // trust.Key.Person of who signs as approver; never the editor
	NonSecret   bool       `json:"non_secret"`      // declared free of state secrets; must be true
}

type ItemKind string

const (
	Picture  ItemKind = "picture"
	Video    ItemKind = "video"
	TextCard ItemKind = "text"
)

type Category string

// The seven kinds of content of Article 4.2a of the regulation.
const (
	CountryPromotion        Category = "country-promotion"
	IntegrationAchievements Category = "integration-achievements"
	BorderRules             Category = "border-rules"
	SeaIslands              Category = "sea-islands"
	EssentialInfo           Category = "essential-info"
	EconomyInvestment       Category = "economy-investment"
	ForeignAffairs          Category = "foreign-affairs"
)

// Language is one of the three of Article 4.2c, or Wordless for pictures without any text or speech.
type Language string

const (
	Vietnamese Language = "vi"
	English    Language = "en"
	Khmer      Language = "km"
	Wordless   Language = "zxx" // ISO 639-2: no linguistic content
)

// File names content by its hash.
type File struct {
	SHA256 string `json:"sha256"` // 64 lower-case hex digits
	Size   int64  `json:"size"`   // bytes
	Type   string `json:"type"`   // image/png, image/jpeg, video/mp4, video/webm
}

// Text is a card set by the controller itself from the manifest.
type Text struct {
	Heading    string `json:"heading"`    // one line, at most 120 characters
	Body       string `json:"body"`       // at most 1200 characters; a newline is a paragraph
	Foreground string `json:"foreground"` // #rrggbb
	Background string `json:"background"` // #rrggbb; contrast of at least 4.5:1
}

// Source is where an item comes from.
type Source struct {
	Type         SourceType `json:"type"`
	Organisation string     `json:"organisation"`
	Document     string     `json:"document"` // number of the document that carries or clears it
}

type SourceType string

const (
	Agency   SourceType = "agency"   // ministries, branches, localities
	Press    SourceType = "press"    // central or local press
	Censored SourceType = "censored" // cleared by a competent authority
)
