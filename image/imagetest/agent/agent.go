// Command agent is in the bench's image alone. It runs what the tests of the booted image ask for: a line for the shell
// on a virtio port, answered with what was said and how it ended. Such a line may start it again as $AGENT:
// "capabilities FOLDER" names the files that have some.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Port is the name of the virtio port, as QEMU is told it.
const Port = "bangtin.agent"

// A Request is a line for the shell.
type Request struct {
	ID      int    `json:"id"`
	Run     string `json:"run"`
	Seconds int    `json:"seconds"` // how long it may take
}

// An Answer is how a line ended.
type Answer struct {
	ID   int    `json:"id"`
	Said string `json:"said"` // the first MiB of both outputs
	Code int    `json:"code"` // -1 where it did not end by itself
}

const saidAtMost = 1 << 20

func main() {
	if len(os.Args) == 3 && os.Args[1] == "capabilities" {
		if err := capabilities(os.Args[2], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	port, err := os.OpenFile("/dev/virtio-ports/"+Port, os.O_RDWR, 0)
	if err == nil {
		err = serve(port, port)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func serve(in io.Reader, out io.Writer) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r Request
		if err := requests.Decode(&r); err != nil {
			return err
		}
		if err := answers.Encode(obey(r)); err != nil {
			return err
		}
	}
}

func obey(r Request) Answer {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.Seconds)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", r.Run)
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", "AGENT=/proc/"+strconv.Itoa(os.Getpid())+"/exe")
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	a := Answer{ID: r.ID, Said: string(said[:min(len(said), saidAtMost)])}
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		a.Code = exit.ExitCode()
	default:
		a.Code, a.Said = -1, a.Said+err.Error()
	}
	return a
}
