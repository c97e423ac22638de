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
	jobs    []job
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
	case !own && (len(q.jobs) >= maxQueue || q.bytes+len(j.payload) > maxQueueBytes), own && len(q.jobs) >= 2*maxQueue:
		return QueueFull
	}
	q.jobs = append(q.jobs, j)
	q.bytes += len(j.payload)
	if !own {
		q.waiting[j.device]++
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return ""
}

// take returns the oldest jobs, at most n of at most the given bytes, but one if there is any.
func (q *queue) take(n, bytes int) []job {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, end := 0, 0
	for ; end < len(q.jobs) && end < n; end++ {
		if size += len(q.jobs[end].payload); size > bytes && end > 0 {
			break
		}
	}
	taken := make([]job, end)
	copy(taken, q.jobs)
	clear(q.jobs[copy(q.jobs, q.jobs[end:]):])
	q.jobs = q.jobs[:len(q.jobs)-end]
	for _, j := range taken {
		q.bytes -= len(j.payload)
		if j.change == nil {
			q.leave(j.device)
		}
	}
	if len(q.jobs) > 0 {
		select {
		case q.ready <- struct{}{}:
		default:
		}
	}
	return taken
}

func (q *queue) leave(device string) {
	if q.waiting[device]--; q.waiting[device] <= 0 {
		delete(q.waiting, device)
	}
}

func (q *queue) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs)
}
