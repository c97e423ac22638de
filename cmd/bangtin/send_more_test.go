package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// obedient takes a power command, does it and says so.
func obedient(s *standIn) func(int, *trust.Verified, wire.Command) {
	return func(_ int, signed *trust.Verified, c wire.Command) {
		s.answer(signed, c, wire.Received, "", "", "")
		s.now(readBack("off"))
		s.answer(signed, c, wire.Done, "", "", `{"panel":"off"}`)
	}
}

// Darkness for several displays is signed by two of the trust role, at two desks.
func TestSendByTwoPeople(t *testing.T) {
	r := newRegion(t)
	first, second := r.display("tinh-bien-01"), r.display("tinh-bien-02")
	first.obey(obedient(first))
	second.obey(obedient(second))
	r.await(first)
	r.await(second)
	line := "send off --display tinh-bien-01,tinh-bien-02 --until +2h --reason bão "
	code, _, errs := r.say(line + "--key @r1.key")
	if code != exitFailed || !strings.Contains(errs, "needs the role trust and 2 people") {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	r.expect(exitOK, line+"--key @r1.key --out @c.json", "needs 2 signatures and has 1", "bangtin sign draft @c.json")
	if code, _, errs := r.say("send --command @c.json"); code != exitFailed || !strings.Contains(errs, "2 people") {
		t.Errorf("a draft was sent: exit %d\n%s", code, errs)
	}
	r.expect(exitOK, line+"--key @r1.key --key @r2.key --trust @trust.json --out @c.json", "not sent")
	r.expect(exitOK, "send --command @c.json --wait", "tinh-bien-01: verified", "tinh-bien-02: verified", "2 displays: 2 verified")
	if a, b := first.heard()[0], second.heard()[0]; a.ID != b.ID || !slices.Equal(a.Audience, []string{"tinh-bien-01", "tinh-bien-02"}) {
		t.Errorf("got %+v and %+v", a, b)
	}
}

// A display whose power orders were signed ahead of time takes only what the trust role signed; the refusal says so, in
// both languages.
func TestSendAsTrust(t *testing.T) {
	r := newRegion(t)
	d := r.display("tinh-bien-01")
	obey := obedient(d)
	d.obey(func(n int, signed *trust.Verified, c wire.Command) {
		if signed.Role != trust.RoleTrust {
			d.answer(signed, c, wire.Rejected, "", "stale", "")
			return
		}
		obey(n, signed, c)
	})
	r.await(d)
	line := "send off --display tinh-bien-01 --until +2h --reason bão "
	r.expect(exitDenied, line+"--key @duc.key --wait", "refused (REJECTED): stale", "with --as-trust")
	r.lang = "vi"
	r.expect(exitDenied, line+"--key @duc.key --wait", "từ chối (REJECTED): stale", "lập với --as-trust")
	r.lang = "en"
	if code, _, errs := r.say(line + "--as-trust --key @r1.key"); code != exitFailed || !strings.Contains(errs, "needs the role trust and 2 people") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	r.expect(exitOK, line+"--as-trust --key @r1.key --out @c.json", "needs 2 signatures and has 1")
	r.expect(exitOK, "sign draft @c.json --trust @trust.json --key @r2.key --yes")
	r.expect(exitOK, "send --command @c.json --wait", "tinh-bien-01: verified")
	r.expect(exitOK, line+"--as-trust --key @r1.key --key @r2.key --trust @trust.json --wait", "tinh-bien-01: verified")
	d.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		d.answer(signed, c, wire.Rejected, "", "too-far", "")
	})
	r.expect(exitDenied, line+"--key @duc.key --wait", "in the future by the display's clock")
}

// One command, whose audience is all, goes to every display that the broker knows.
func TestSendToTheFleet(t *testing.T) {
	r := newRegion(t)
	first, second := r.display("tinh-bien-01"), r.display("vinh-xuong-01")
	for _, s := range []*standIn{first, second} {
		s.obey(func(_ int, signed *trust.Verified, c wire.Command) {
			s.answer(signed, c, wire.Done, "", "", `{"state":"playing"}`)
		})
		r.await(s)
	}
	r.expect(exitOK, "send identify --fleet --key @duc.key --wait", "tinh-bien-01: done by its own word", "2 displays: 0 verified, 2 done")
	r.expect(exitOK, "send identify --fleet --key @duc.key", "given to the broker for 2 displays")
	r.eventually("it came without --wait", func() bool { return len(first.heard()) == 2 && len(second.heard()) == 2 })
}

func TestSendSaysTheWorst(t *testing.T) {
	r := newRegion(t)
	good, bad := r.display("tinh-bien-01"), r.display("tinh-bien-02")
	good.obey(func(_ int, signed *trust.Verified, c wire.Command) { good.answer(signed, c, wire.Done, "", "", "") })
	bad.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		bad.answer(signed, c, wire.Expired, "", "too-late", "")
	})
	r.await(good)
	r.await(bad)
	r.expect(exitDenied, "send identify --display tinh-bien-01,tinh-bien-02,tinh-bien-03 --key @duc.key --wait --timeout 1s",
		"tinh-bien-02: refused (EXPIRED): too-late", "tinh-bien-03: not known: the broker tells nothing of it", "1 done, 1 refused, 0 failed, 1 not known")
}

// A display that comes back gets the same bytes again, and so does one behind a broker that was killed.
func TestSentAgainToADisplayThatComesBack(t *testing.T) {
	r := newRegion(t)
	r.patience.Resend = time.Minute // only a birth or a new connection is a reason
	s := r.display("tinh-bien-01")
	r.await(s)
	s.stop()
	out := &book{}
	ended := make(chan int, 1)
	go func() { ended <- r.program(off+" --wait", out, out).Run(t.Context()) }()
	r.eventually("the operator is there", func() bool { return strings.Contains(r.broker.Log(), "u'operator-truc-ban'") })
	back := r.display("tinh-bien-01")
	back.obey(func(n int, signed *trust.Verified, c wire.Command) {
		if n == 1 {
			back.answer(signed, c, wire.Received, "", "", "")
			go func() {
				r.broker.Kill()
				r.broker.Start()
			}()
			return
		}
		back.now(readBack("off"))
		back.answer(signed, c, wire.Duplicate, wire.Done, "", `{"panel":"off"}`)
	})
	select {
	case code := <-ended:
		if code != exitOK || !strings.Contains(out.String(), "1 verified") {
			t.Errorf("exit %d\n%s", code, out)
		}
	case <-time.After(giveUp):
		t.Fatalf("never ends:\n%s", out)
	}
	got := back.heard()
	if len(got) < 2 || got[0].ID != got[1].ID || got[0].Counter != got[1].Counter {
		t.Errorf("got %+v", got)
	}
}

func TestRebootIsSeenByAnotherRun(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	r.await(s)
	s.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		s.answer(signed, c, wire.Received, "", "", "")
		s.now(func(st *wire.State) { st.Boot = "boot-2" })
		s.answer(signed, c, wire.Done, "", "", `{"before":"k1","after":"k2"}`)
	})
	r.expect(exitOK, "send reboot --force --display tinh-bien-01 --key @duc.key --wait", "started anew as boot-2", "1 verified")
}

func TestSendPlaylistIsSeenPlaying(t *testing.T) {
	r := newRegion(t)
	r.exported()
	d, err := openDraft(r.path("out"))
	r.check(err)
	s := r.display("tinh-bien-01")
	s.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		args, err := c.Playlist()
		if err != nil || args.Digest != d.digest() {
			s.answer(signed, c, wire.Failed, "", "not-accepted", "")
			return
		}
		s.answer(signed, c, wire.Received, "", "", "")
		s.now(func(st *wire.State) { st.Player.Playlist = d.version() })
		s.answer(signed, c, wire.Done, "", "", "")
	})
	r.expect(exitOK, "send playlist --playlist @out --display tinh-bien-01 --key @duc.key --wait", "verified", d.version())
	other := strings.Repeat("0", 64)
	r.expect(exitFailed, "send playlist --digest "+other+" --display tinh-bien-01 --key @duc.key --wait", "not-accepted")
}

// What a display writes cannot steer the terminal, and nobody believes what is not exactly an answer.
func TestAnswersAreNotTrusted(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	r.await(s)
	topics, err := wire.NewTopics("tinh-bien-01")
	r.check(err)
	s.obey(func(n int, signed *trust.Verified, c wire.Command) {
		good := wire.CommandAck{ID: c.ID, Digest: signed.Digest, Status: wire.Done, At: time.Now().UTC()}
		raw, err := wire.Encode(good)
		r.check(err)
		for _, bad := range []string{
			"", "{}", strings.Replace(string(raw), "DONE", "VERIFIED", 1), string(raw) + string(raw),
			strings.Replace(string(raw), "{", `{"extra":1,`, 1), strings.Replace(string(raw), "{", `{"status":"DONE",`, 1),
			strings.Replace(string(raw), "}", strings.Repeat(" ", wire.MaxAnswer)+"}", 1),
		} {
			r.check(r.centre.Publish(topics.CommandAck(), false, []byte(bad)))
		}
		if n == 2 {
			good.Evidence = json.RawMessage("{\"a\":\"x\u202e\u009b2J\u007f\"}")
			raw, err = wire.Encode(good)
			r.check(err)
			r.check(r.centre.Publish(topics.CommandAck(), false, raw))
		}
	})
	out := r.expect(exitOK, "send identify --display tinh-bien-01 --key @duc.key --wait", "done, it answers", "\ufffd")
	if strings.ContainsAny(out, "\u202e\u009b\u007f\x1b") || strings.Count(out, "done, it answers") != 1 || len(s.heard()) != 2 {
		t.Errorf("asked %d times:\n%q", len(s.heard()), out)
	}
}

func TestSendRefuses(t *testing.T) {
	d := newDesk(t)
	d.trust()
	d.write("old.json", nil)
	d.must("send reboot --display tinh-bien-01 --key @duc.key --out @c.json")
	d.must("power --display tinh-bien-01 --state schedule --reason r --key @duc.key --out @order.json")
	tests := map[string]struct {
		line string
		code int
		word string
	}{
		"no kind":              {"send --display tinh-bien-01 --key @duc.key", exitUsage, "KIND"},
		"unknown kind":         {"send dance --display tinh-bien-01 --key @duc.key", exitUsage, "restart-player"},
		"nobody":               {"send reboot --key @duc.key", exitUsage, "--display"},
		"everybody and one":    {"send reboot --display tinh-bien-01 --fleet --key @duc.key", exitUsage, "only one"},
		"wildcard":             {"send reboot --display + --key @duc.key", exitUsage, "not a display id"},
		"no key":               {"send reboot --display tinh-bien-01", exitUsage, "--key"},
		"no reason":            {"send off --until +1h --display tinh-bien-01 --key @duc.key", exitUsage, "--reason"},
		"on for ever":          {"send on --reason r --display tinh-bien-01 --key @duc.key", exitFailed, "needs an end"},
		"off for ever, alone":  {"send off --reason r --display tinh-bien-01 --key @duc.key", exitFailed, "role trust and 2 people"},
		"schedule with an end": {"send schedule --until +1h --reason r --display tinh-bien-01 --key @duc.key", exitFailed, "takes no end"},
		"identify too long":    {"send identify --seconds 301 --display tinh-bien-01 --key @duc.key", exitFailed, "1 to 300"},
		"lives too long":       {"send identify --expires +25h --display tinh-bien-01 --key @duc.key", exitFailed, "24h"},
		"no playlist":          {"send playlist --display tinh-bien-01 --key @duc.key", exitUsage, "--digest"},
		"not a digest":         {"send playlist --digest abc --display tinh-bien-01 --key @duc.key", exitFailed, "64 lower-case"},
		"not the role":         {"send reboot --display tinh-bien-01 --key @an.key --trust @trust.json", exitFailed, "without the role"},
		"timeout":              {"send reboot --display tinh-bien-01 --key @duc.key --wait --timeout soon", exitUsage, "length of time"},
		"save what":            {"send reboot --display tinh-bien-01 --key @duc.key --wait --save @x", exitUsage, "screenshot"},
		"kind and command":     {"send reboot --command @c.json", exitUsage, "stands beside"},
		"an order":             {"send --command @order.json", exitFailed, "not a signed command"},
		"garbage":              {"send --command @old.json", exitFailed, "not a signed file"},
		"no centre":            {"send reboot --display tinh-bien-01 --key @duc.key", exitUsage, "--center"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses(tt.line, tt.code, tt.word, "remedy")
		})
	}
	d.t = t
	d.now = morning.Add(16 * time.Minute)
	d.refuses("send --command @c.json", exitFailed, "has expired")
}

// An option that would be dropped is not what the person meant.
func TestSendRefusesWhatItWouldNotUse(t *testing.T) {
	d := newDesk(t)
	d.trust()
	const one = " --display tinh-bien-01 --key @duc.key"
	d.must("send identify --fleet --key @duc.key --out @c.json")
	for line, option := range map[string]string{
		"send --command @c.json --display tinh-bien-01": "--display",
		"send --command @c.json --fleet":                "--fleet",
		"send --command @c.json --key @duc.key":         "--key",
		"send --command @c.json --expires +1h":          "--expires",
		"send --command @c.json --passphrase-file @p":   "--passphrase-file",
		"send --command @c.json --out @d.json":          "--out",
		"send --command @c.json --seconds 5":            "--seconds",
		"send --command @c.json --until +1h":            "--until",
		"send identify --force" + one:                   "--force",
		"send reboot --seconds 5" + one:                 "--seconds",
		"send reboot --reason r" + one:                  "--reason",
		"send screenshot --until +1h" + one:             "--until",
		"send diagnostics --digest abc" + one:           "--digest",
		"send off --reason r --playlist @x" + one:       "--playlist",
		"send identify --timeout 1m" + one:              "--timeout",
		"send screenshot --save @x" + one:               "--save",
		"send identify --out @d.json --wait" + one:      "--wait",
		"send identify --out @d.json --center @x" + one: "--center",
	} {
		t.Run(line, func(t *testing.T) {
			d.t = t
			d.refuses(line, exitUsage, option+": is not used together with the rest")
		})
	}
}

// Whoever names a trust document wants the signatures of the file checked against it.
func TestSendChecksACommandFromAFile(t *testing.T) {
	d := newDesk(t)
	d.trust()
	d.makeKey("stranger", "nguoi.la", "Người Lạ")
	d.must("send identify --fleet --key @stranger.key --out @c.json")
	d.refuses("send --command @c.json --trust @trust.json", exitFailed, "@c.json", "unknown keys")
}

func TestCentreFolderIsChecked(t *testing.T) {
	r := newRegion(t)
	tests := map[string]struct {
		spoil func() error
		words []string
	}{
		"no folder":      {func() error { return os.RemoveAll(r.path("center")) }, []string{"center.json", "cannot be read"}},
		"no certificate": {func() error { return os.Remove(r.path("center/operator.pem")) }, []string{"operator.pem", "cannot be read"}},
		"no key":         {func() error { return os.Remove(r.path("center/operator.key")) }, []string{"operator.key", "cannot be read"}},
		"unknown field": {func() error {
			return os.WriteFile(r.path("center/center.json"), []byte(`{"broker":"tls://a:1","content":"https://a/","x":1}`), 0o600)
		}, []string{"center.json", "is damaged"}},
		"plain MQTT": {func() error {
			return os.WriteFile(r.path("center/center.json"), []byte(`{"broker":"tcp://a:1","content":"https://a/"}`), 0o600)
		}, []string{"tls://host:port"}},
		"somebody's key":    {func() error { return os.WriteFile(r.path("center/operator.key"), r.read("duc.key"), 0o600) }, []string{"operator.pem", "center operator"}},
		"another authority": {func() error { return os.WriteFile(r.path("center/ca.pem"), r.read("center/operator.pem"), 0o600) }, []string{"cannot be reached"}},
		"nobody there": {func() error {
			return os.WriteFile(r.path("center/center.json"), []byte(`{"broker":"tls://127.0.0.1:1","content":"https://a/"}`), 0o600)
		}, []string{"tls://127.0.0.1:1", "cannot be reached"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.operator("https://127.0.0.1:1/content/")
			r.check(tt.spoil())
			ctx, cancel := context.WithTimeout(t.Context(), giveUp)
			defer cancel()
			code, out, errs := r.sayUntil(ctx, "send identify --display tinh-bien-01 --key @duc.key")
			if code != exitFailed || out != "" {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
			for _, w := range tt.words {
				if !strings.Contains(errs, w) {
					t.Errorf("does not say %q:\n%s", w, errs)
				}
			}
		})
	}
}

// Both languages, as people see them.
func TestGoldenOnline(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	s.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		s.answer(signed, c, wire.Received, "", "", "")
		s.now(readBack("off"))
		s.answer(signed, c, wire.Done, "", "", `{"panel":"off","rule":"department","why":"bão số 3"}`)
	})
	r.await(s)
	for _, lang := range []string{"vi", "en"} {
		r.lang = lang
		_, sent, _ := r.say(off + " --wait --display tinh-bien-02 --key @r1.key --key @r2.key --trust= --timeout 3s")
		r.golden("send", settled(sent))
		s.now(func(st *wire.State) {
			st.Alarms, st.Gate, st.Outbox.Depth = []string{"door-open"}, "Cửa khẩu Tịnh Biên", 0
		})
		r.awaitState(s, func(st wire.State) bool { return len(st.Alarms) > 0 })
		_, watched, _ := r.say("watch --once" + allDay)
		r.golden("watch", settled(watched))
	}
}

// settled takes out what differs from run to run.
func settled(out string) string {
	out = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d \+07|\d\d:\d\d:\d\d`).ReplaceAllString(out, "TIME")
	out = regexp.MustCompile(`"\d{4}-[^"]*Z"`).ReplaceAllString(out, `"TIME"`)
	return regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(out, "ID")
}
