package trust

import "sync/atomic"

// A Standing is the trust document that stands at the moment, for those who verify while it may be replaced. Safe
// for concurrent use.
type Standing struct {
	document atomic.Pointer[Document]
}

// NewStanding begins with d, which nobody may change any more.
func NewStanding(d *Document) *Standing {
	s := &Standing{}
	s.document.Store(d)
	return s
}

// Document is the one that stands now.
func (s *Standing) Document() *Document { return s.document.Load() }

// Replace makes d, which nobody may change any more, the one that stands. Whether it may follow is for
// [Document.Next] to say, before.
func (s *Standing) Replace(d *Document) { s.document.Store(d) }

// Verify is that of the document that stands.
func (s *Standing) Verify(raw []byte, t Type) (*Verified, error) { return s.Document().Verify(raw, t) }
