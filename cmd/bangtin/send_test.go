package main

import (
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const off = "send off --display tinh-bien-01 --until +2h --reason bão --key @duc.key --trust @trust.json"

func TestSendIsFollowedUntilTheStateShowsIt(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	s.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		s.answer(signed, c, wire.Received, "", "", "")
		s.now(readBack("off"))
		s.answer(signed, c, wire.Done, "", "", `{"panel":"off"}`)
	})
	r.expect(exitOK, off+" --wait", "accepted at", "verified by its state", "panel off, read back at", "1 displays: 1 verified")
	got := s.heard()
	args, err := got[0].Power()
	r.check(err)
	if args.State != wire.WishOff || args.Reason != "bão" || args.Until == nil || time.Until(*args.Until) > 2*time.Hour {
		t.Errorf("the display got %+v", args)
	}
}

func TestSendEndsInTime(t *testing.T) {
	tests := map[string]struct {
		code  int
		obey  func(s *standIn, n int, signed *trust.Verified, c wire.Command)
		words []string
	}{
		"silent": {exitOpen, func(*standIn, int, *trust.Verified, wire.Command) {}, []string{"not known", "online and does not answer", "may still happen"}},
		"accepted only": {exitOpen, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			s.answer(signed, c, wire.Received, "", "", "")
		}, []string{"accepted at", "not known: it took the command"}},
		"done and not seen": {exitOpen, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			s.answer(signed, c, wire.Done, "", "", `{"panel":"off"}`)
		}, []string{"done, it answers", "its state does not show it"}},
		"refused": {exitDenied, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			s.answer(signed, c, wire.Rejected, "", "local-policy", "")
		}, []string{"refused (REJECTED): local-policy", "1 refused"}},
		"failed": {exitFailed, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			s.answer(signed, c, wire.Failed, "", "panel-silent", "")
		}, []string{"not done (FAILED): panel-silent"}},
		"interrupted, heard of again": {exitFailed, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			if n == 1 {
				return // the answer was lost
			}
			s.answer(signed, c, wire.Duplicate, wire.Interrupted, "power-cut", "")
		}, []string{"not done (INTERRUPTED): power-cut"}},
		"another command's answer": {exitOpen, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			c.ID = "00000000000000000000000000000000"
			s.answer(signed, c, wire.Done, "", "", "")
		}, []string{"online and does not answer"}},
		"read back before it": {exitOpen, func(s *standIn, n int, signed *trust.Verified, c wire.Command) {
			s.answer(signed, c, wire.Received, "", "", "")
			s.now(func(st *wire.State) {
				readBack("off")(st)
				before := st.Panel.VerifiedAt.Add(-time.Hour)
				st.Panel.VerifiedAt = &before
			})
			s.answer(signed, c, wire.Done, "", "", "")
		}, []string{"its state does not show it"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRegion(t)
			s := r.display("tinh-bien-01")
			s.obey(func(n int, signed *trust.Verified, c wire.Command) { tt.obey(s, n, signed, c) })
			r.await(s)
			r.expect(tt.code, off+" --wait --timeout 1500ms", tt.words...)
			if got := s.heard(); len(got) == 0 {
				t.Error("the display got nothing")
			} else if last := got[len(got)-1]; last.ID != got[0].ID || last.Counter != got[0].Counter {
				t.Errorf("sent again as another command: %+v, %+v", got[0], last)
			}
		})
	}
}
