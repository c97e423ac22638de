package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A list is something of the booted system that must not change unseen: what the shell says inside is compared with a
// file of testdata.
type list struct{ name, what, command string }

// Each is a script of dash's that ends at the first tool that fails (set -e): as it knows no failure within a pipe, what
// a tool says is kept before it is sorted.
func lists() []list {
	return []list{
		// Nothing listens but systemd's and ours on paths; ports of TCP and UDP have the first lines. A client's UDP port
		// is a number of the moment.
		{"listening", "listening sockets", `for p in tcp tcp6 udp udp6; do
said=$(awk -v p=$p 'NR > 1 && ($4 == "0A" || p ~ /udp/ && $3 ~ /:0000$/) { print p, $2 }' /proc/net/$p); printf %s "${said:+$said
}" | sort -u; done
said=$(awk '$4 == "00010000" && NF > 7 { print "unix", $8 }' /proc/net/unix); printf '%s\n' "$said" | sed -E 's/[0-9a-f]{16,}/N/g' | sort -u`},
		{"setuid", "setuid and setgid files, and files with capabilities", `said=$(find / -xdev -perm /6000 -type f -printf '%M %p\n'); printf '%s\n' "$said" | sort
said=$("$AGENT" capabilities /); printf '%s\n' "$said" | sort`},
		// What lies below a folder that only root may enter is not counted.
		{"writable", "paths that everybody may write to", `said=$(for d in / /data /run /tmp /dev/shm; do find $d -ignore_readdir_race -xdev -name 'systemd-private-*' -perm 0700 -prune -o \( -type d -o -type f -o -type s \) -perm -0002 -printf '%M %u %p\n' || exit; done)
printf '%s\n' "$said" | sed -E 's/systemd-private-[0-9a-f]+-(.*)-[A-Za-z0-9]{6}/systemd-private-N-\1-N/; s/[0-9a-f]{32}/N/g; s/@[0-9-]+\.service/@N.service/' | sort -u`},
		{"credentials", "who could log in, and by what", `awk -F: '{ print "account", $1, $3, $7 }' /etc/passwd; awk -F: '{ print "password", $1, ($2 ~ /^[!*]/ ? "none" : "SOME") }' /etc/shadow
said=$(find / /data -ignore_readdir_race -xdev \( -name authorized_keys -o -name 'ssh_host_*' -o -name 'id_*' -o -name '*.pem' -o -name '*.key' \) -path '*' -not -path '/etc/ssl/certs/*' -not -path '/usr/share/ca-certificates/*' -printf '%M %u %p\n'); printf '%s\n' "$said" | sort`},
		// Two are there on demand, for seconds after a start; mkimage compares them too.
		{"exposure", "how exposed each unit is", `said=$(systemd-analyze security --no-pager --json=short); printf '%s\n' "$said" | sed 's/},{/},\n{/g' | sed -nE 's/.*"unit":"([^"]*)".*"exposure":"?([0-9.]+)"?.*/\1 \2/p' | sed -E 's/@[0-9-]+\.service/@N.service/; /^(systemd-hostnamed|NetworkManager-dispatcher)\./d' | sort`},
		{"failed", "failed units", `said=$(systemctl --failed --plain --no-legend); printf '%s\n' "$said" | awk '{ print $1 }' | sort`},
		{"enabled", "units that are switched on", `said=$(systemctl list-unit-files --state=enabled,enabled-runtime --no-legend --plain); printf '%s\n' "$said" | awk '{ print $1 }' | sort`},
	}
}

// ends is the last line of a list that was read to its end.
const ends = "-- and no more --"

// script is the list's command for the shell, which says at last that it came that far.
func (l list) script() string { return "set -eu\n" + l.command + "\necho '" + ends + "'\n" }

// whole is what a script said without its last line; an error where that is missing.
func whole(said string) (string, error) {
	list, ok := strings.CutSuffix(said, ends+"\n")
	if !ok || list != "" && !strings.HasSuffix(list, "\n") {
		return "", fmt.Errorf("the list was not read to its end: %s", tail(said, 300))
	}
	return list, nil
}

// own are the lines that are there for the bench alone.
var own = regexp.MustCompile(`(?m)^.*bangtin-agent.*\n?`)

// compare holds what was read against the file, or writes the file.
func (l list) compare(dir, said string, record bool) error {
	file := filepath.Join(dir, l.name)
	said = strings.TrimSpace(own.ReplaceAllString(said, "")) + "\n"
	if record {
		return writeText(file, said)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return changes(strings.Split(string(want), "\n"), strings.Split(said, "\n"))
}

// changes names the lines that came and went.
func changes(want, seen []string) error {
	had := map[string]int{}
	for _, line := range want {
		had[line]++
	}
	var found []error
	for _, line := range seen {
		if had[line]--; had[line] < 0 {
			found = append(found, fmt.Errorf("new: %s", line))
		}
	}
	for _, line := range want {
		if had[line] > 0 {
			had[line]--
			found = append(found, fmt.Errorf("gone: %s", line))
		}
	}
	return errors.Join(found...)
}

// inside boots the bench's image and reads what can only be read there.
func (b *bench) inside(ctx context.Context) error {
	return b.insideOne(ctx, "inside", func(_ *running, a *agent) {
		for _, l := range lists() {
			said, err := a.run(ctx, stepLimit, l.script())
			if err == nil {
				said, err = whole(said)
			}
			if err == nil {
				_ = writeText(filepath.Join(b.out, "inside."+l.name), said)
				err = l.compare("image/imagetest/testdata", said, b.record)
			}
			b.note("inside", l.what+" are those of testdata/"+l.name, err)
		}
	})
}

// figures boots it too, and lets it play for a while.
func (b *bench) figures(ctx context.Context) error {
	return b.insideOne(ctx, "figures", func(r *running, a *agent) {
		b.note("figures", fmt.Sprintf("all processes but mpv and the agent take at most %d MB", maxMB), b.memory(ctx, a))
		b.note("figures", fmt.Sprintf("an hour of playing writes at most %.0f MB to data", maxWritten/1e6), b.written(ctx, r, a))
	})
}

// insideOne has something done with a display that is on air and has the agent in it.
func (b *bench) insideOne(ctx context.Context, name string, do func(*running, *agent)) error {
	site := b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC)
	// What is written is measured with the heartbeat of the field.
	site = strings.Replace(site, `heartbeat = "10s"`, `heartbeat = "60s"`, 1)
	r, a, err := b.startInside(ctx, name, site)
	if err != nil {
		return err
	}
	defer r.cut()
	err = b.somethingShown(ctx, r)
	if err == nil {
		err = b.world.onAir(ctx, stepLimit)
	}
	b.keepLog(ctx, r, a)
	if err != nil {
		return r.explain(name, err)
	}
	do(r, a)
	return nil
}

// keepLog keeps what the system says of itself, for who looks for what went wrong.
func (b *bench) keepLog(ctx context.Context, r *running, a *agent) {
	for name, command := range map[string]string{
		"journal": "journalctl -b --no-pager -o short-monotonic",
		"blame":   "systemd-analyze time; systemd-analyze blame --no-pager; systemd-analyze critical-chain --no-pager",
	} {
		said, err := a.run(ctx, stepLimit, command)
		if err != nil {
			said += err.Error()
		}
		_ = writeText(filepath.Join(b.out, r.name+"."+name), said)
	}
}

// The goals.
const (
	maxMB      = 90
	maxWritten = 2e6 // bytes an hour
)

// memory adds up the sizes of all processes some times while the programme plays: what pages and films take comes and
// goes. The largest sum counts. Of what is shared each has its part (Pss); all of it for each is printed too (Rss).
func (b *bench) memory(ctx context.Context, a *agent) error {
	const times, apart = 6, 15 * time.Second
	most, all := 0, ""
	for i := range times {
		if i > 0 {
			if err := wait(ctx, apart); err != nil {
				return err
			}
		}
		said, err := a.run(ctx, stepLimit, `for p in /proc/[0-9]*; do n=$(tr '\0' ' ' <$p/comm) || continue
k=$(awk '/^Rss:/ { r = $2 } /^Pss:/ { print $2, r }' $p/smaps_rollup); [ -n "$k" ] && echo "$n $k"; done 2>/dev/null | sort`)
		if err != nil {
			return err
		}
		all += said + "\n"
		pss, rss, mpv := sizes(said)
		most = max(most, pss)
		b.figure("memory: Pss %.1f MB, Rss %.1f MB in all processes but mpv, and Pss %.1f MB in mpv", mb(pss), mb(rss), mb(mpv))
	}
	_ = writeText(filepath.Join(b.out, "inside.memory"), all)
	if most == 0 || mb(most) > maxMB {
		return fmt.Errorf("they take up to %.1f MB", mb(most))
	}
	return nil
}

func mb(kib int) float64 { return float64(kib) * 1024 / 1e6 }

// sizes adds up lines of a name, Pss and Rss, all in KiB. What the bench itself runs inside is not counted.
func sizes(said string) (pss, rss, mpv int) {
	for line := range strings.Lines(said) {
		var name string
		var p, r int
		if _, err := fmt.Sscan(line, &name, &p, &r); err != nil {
			continue
		}
		switch name {
		case "mpv":
			mpv += p
		case "bangtin-agent", "sh", "awk", "mawk", "sort", "tr":
		default:
			pss, rss = pss+p, rss+r
		}
	}
	return pss, rss, mpv
}

// writers is who wrote how much, and what file was last written when: for who looks for what writes too much.
const writers = `for p in /proc/[0-9]*; do n=$(cat $p/comm) && w=$(awk '/^write_bytes/ { print $2 }' $p/io) && [ "$w" -gt 0 ] && echo "$w $n"; done 2>/dev/null | sort -rn
awk '$3 ~ /^(vd|dm)/ { print $3, "writes", $8, "sectors", $10, "flushes", $19 }' /proc/diskstats
find /data -xdev -type f -mmin -5 -printf '%TT %s %p\n' | sort`

// written asks QEMU what was written to the medium while the programme played; only data takes writes. What is written
// once after a start is not part of it: it waits until the timers of a start have run (systemd/system, 3 min).
func (b *bench) written(ctx context.Context, r *running, a *agent) error {
	const settled, span = 3*time.Minute + 30*time.Second, 5 * time.Minute
	if err := wait(ctx, time.Until(r.began.Add(settled))); err != nil {
		return err
	}
	early, _ := a.run(ctx, stepLimit, writers)
	before, err := r.blocks()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := wait(ctx, span); err != nil {
		return err
	}
	after, err := r.blocks()
	if err != nil {
		return err
	}
	late, _ := a.run(ctx, stepLimit, writers)
	_ = writeText(filepath.Join(b.out, "inside.written"), early+"\n"+late)
	hour := float64(after-before) / time.Since(began).Hours()
	b.figure("written: %d bytes in %v of playing, %.2f MB an hour", after-before, span, hour/1e6)
	if hour > maxWritten {
		return fmt.Errorf("it writes %.2f MB an hour", hour/1e6)
	}
	return nil
}

// blocks is how many bytes the medium has taken.
func (r *running) blocks() (int64, error) {
	var all []struct {
		Device string `json:"device"`
		Stats  struct {
			Written int64 `json:"wr_bytes"`
		} `json:"stats"`
	}
	if err := r.monitor.ask("query-blockstats", nil, &all); err != nil {
		return 0, err
	}
	for _, one := range all {
		if one.Device == "disk" {
			return one.Stats.Written, nil
		}
	}
	return 0, errors.New("QEMU names no medium")
}
