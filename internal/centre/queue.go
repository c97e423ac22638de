package centre

import (
	"sync"
	"time"

	"bangtin/internal/centre/store"
)

// Limits of a queue. A change of the centre's own is not sent again by anybody, so twice as many find room.
const (
	maxQueue      = 8192     // messages
	maxQueueBytes = 64 << 20 // of all of them
	maxWaiting    = 64       // messages of one display; it has one batch and a few others on their way
)

// A job is one message, or one change of the centre's own.
type job struct {
	device   string
	topic    string
	payload  []byte
	retained bool
	ack      func() // tells the broker; nil for the centre's own
	arrived  time.Duration
	change   *store.Change // nil for a message
}

// A queue holds what waits for one goroutine. Its methods may be called by any.
type queue struct {
	mu      sync.Mutex
	jobs    []job // from first on
	first   int
	bytes   int
	waiting map[string]int
	ready   chan struct{}
}

func newQueue() *queue { return &queue{waiting: map[string]int{}, ready: make(chan struct{}, 1)} }

// put never blocks. It returns why there is no room, or "".
func (q *queue) put(j job) Refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	own := j.change != nil
	switch {
	case !own && q.waiting[j.device] >= maxWaiting:
		return Flood
	case !own && (q.length() >= maxQueue || q.bytes+len(j.payload) > maxQueueBytes), own && q.length() >= 2*maxQueue:
		return QueueFull
	}
	q.jobs = append(q.jobs, j)
	q.bytes += len(j.payload)
	if !own {
		q.waiting[j.device]++
	}
	q.call()
	return ""
}

// next returns the oldest job, or false when there is none.
func (q *queue) next() (job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.length() == 0 {
		return job{}, false
	}
	j := q.jobs[q.first]
	q.jobs[q.first] = job{}
	q.first++
	if q.first > len(q.jobs)/2 { // each job is moved once on average
		q.jobs = q.jobs[:copy(q.jobs, q.jobs[q.first:])]
		clear(q.jobs[len(q.jobs):][:q.first])
		q.first = 0
	}
	q.bytes -= len(j.payload)
	if j.change == nil {
		q.leave(j.device)
	}
	return j, true
}

// more has the ready channel say so once more when something is left.
func (q *queue) more() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.length() > 0 {
		q.call()
	}
}

func (q *queue) call() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) length() int { return len(q.jobs) - q.first }

func (q *queue) leave(device string) {
	if q.waiting[device]--; q.waiting[device] <= 0 {
		delete(q.waiting, device)
	}
}

func (q *queue) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.length()
}
