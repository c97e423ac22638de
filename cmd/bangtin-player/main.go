// Command bangtin-player runs mpv as a user of its own. systemd starts it for each connection to the player's socket,
// with that connection as standard input: it reads one line of JSON, the list of mpv's arguments, checks each of them,
// and starts mpv, which speaks its JSON IPC over the same connection. When the daemon hangs up mpv has a second to end.
//
//	bangtin-player -folder /run/bangtin/player
//
// It exits 0 when mpv ended because the daemon hung up, 1 when mpv could not be started or ended otherwise, and 2
// when what was asked for was refused. One line on standard error says why, and, where mpv did not end for the
// daemon, the last line of the connection too: {"event":"player-ended","reason":"…"}.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Exit codes.
const (
	exitHungUp  = 0
	exitEnded   = 1
	exitRefused = 2
)

func main() {
	// The kernel ends mpv with the thread that started it (Pdeathsig): this one lives as long as the process.
	runtime.LockOSThread()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	flags := flag.NewFlagSet("bangtin-player", flag.ContinueOnError)
	folder := flags.String("folder", "/run/bangtin/player", "the folder of fonts.conf, which is mpv's working folder too")
	program := flags.String("mpv", "/usr/bin/mpv", "mpv's program")
	if err := flags.Parse(args); err != nil {
		return exitRefused
	}
	if flags.NArg() > 0 || !filepath.IsAbs(*folder) || !filepath.IsAbs(*program) {
		fmt.Fprintln(os.Stderr, "cannot run: -folder and -mpv are absolute paths, and there is nothing else")
		return exitRefused
	}
	code, reason := play(*program, *folder)
	fmt.Fprintln(os.Stderr, reason)
	if code != exitHungUp {
		farewell(os.Stdin.Fd(), reason)
	}
	return code
}

// play does all of it, and says how it ended.
func play(program, folder string) (code int, reason error) {
	daemon := int(os.Stdin.Fd())
	line, err := readLine(daemon, lineWithin)
	if err != nil {
		return exitRefused, err
	}
	arguments, err := parseArguments(line)
	if err != nil {
		return exitRefused, err
	}
	player, err := startMpv(program, folder, arguments, os.Stdin)
	if err != nil {
		return exitEnded, err
	}
	return player.attend(daemon)
}

// farewell tells the daemon why there is no mpv any more. It does not wait: nobody may be there to read it. The line
// end before it ends a line that mpv did not.
func farewell(daemon uintptr, reason error) {
	line, err := json.Marshal(map[string]string{"event": "player-ended", "reason": reason.Error()})
	if err != nil {
		return // a string is always JSON
	}
	// It is on standard error already where it cannot be sent.
	_ = unix.Sendto(int(daemon), append(append([]byte{'\n'}, line...), '\n'), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
}
