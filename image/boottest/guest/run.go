package guest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Run is the life of the guest. It does not return: the machine goes off.
func Run() {
	err := serve()
	if err != nil {
		fmt.Println("boottest:", err) // the console, which the host shows when the report does not end
	}
	unix.Sync()
	err = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Println("boottest: cannot switch off:", err)
	select {}
}

func serve() error {
	if err := enter(); err != nil {
		return err
	}
	port, err := openReport()
	if err != nil {
		return err
	}
	defer port.Close()
	text, err := os.ReadFile(Jobs)
	if err != nil {
		return fmt.Errorf("cannot read the jobs: %w", err)
	}
	var jobs []Job
	if err := json.Unmarshal(text, &jobs); err != nil {
		return fmt.Errorf("cannot read the jobs: %w", err)
	}
	say := json.NewEncoder(port)
	for _, job := range jobs {
		if err := do(job, say); err != nil {
			return err
		}
	}
	return say.Encode(Report{Done: true})
}

// do runs a job to its end. An error is one of reporting.
func do(job Job, say *json.Encoder) error {
	exit, err := pass(job, say)
	if err != nil {
		if err := say.Encode(Report{Job: job.Name, Line: err.Error()}); err != nil {
			return err
		}
	}
	return say.Encode(Report{Job: job.Name, Exit: &exit})
}

// pass runs a job and passes on what it says, line by line.
func pass(job Job, say *json.Encoder) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return -1, err
	}
	defer r.Close()
	cmd := exec.Command(job.Args[0], job.Args[1:]...)
	cmd.Dir = job.Dir
	cmd.Stdout, cmd.Stderr = w, w
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp", "LC_ALL=C.UTF-8", "BANGTIN_BENCH=1"}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return -1, fmt.Errorf("cannot start %s: %w", job.Args[0], err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		// Whatever the job left behind still holds the pipe; what it has said by now is read all the same.
		_ = r.SetReadDeadline(time.Now().Add(time.Second)) // pipes take deadlines
	}()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if err := say.Encode(Report{Job: job.Name, Line: strings.TrimSuffix(line, "\n")}); err != nil {
				return -1, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return -1, err
		}
	}
	var exit *exec.ExitError
	switch err := <-ended; {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	default:
		return -1, err
	}
}

// openReport finds the virtio port by its name and opens it.
func openReport() (*os.File, error) {
	names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(string(text)) == Port {
			return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(name)), os.O_WRONLY, 0)
		}
	}
	return nil, fmt.Errorf("cannot find the port %s among %q", Port, names)
}
