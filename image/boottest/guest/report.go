// Package guest is the first process of the bench's guest: it mounts what a Linux has, runs the jobs that the host has
// packed beside it, tells of each over a virtio port, and switches the machine off.
package guest

// Where the host puts things into the initial file system.
const (
	Init    = "/init"         // this program
	Modules = "/modules"      // what is needed to reach the disk, in the order of the names
	Payload = "/payload"      // the jobs' files; there in the whole life of the guest
	Jobs    = "/payload/jobs" // a JSON list of [Job]
	Port    = "bangtin.report"
)

// A Job is one program to run, as root.
type Job struct {
	Name string
	Dir  string
	Args []string // the first is the program's path
}

// A Report is one line of JSON that the guest says: a line of a job's output, or the end of a job, or the end of all.
// Exit is -1 for a job that could not be started or was killed; Line then says why.
type Report struct {
	Job  string `json:",omitempty"`
	Line string `json:",omitempty"`
	Exit *int   `json:",omitempty"`
	Done bool   `json:",omitempty"`
}
