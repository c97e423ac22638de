package centre

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bangtin/internal/centre/store"
)

// Metrics are what /metrics tells. A display is never a label: five thousand of them would be as many time series of
// each name; who is dark stands in the incidents.
type Metrics struct {
	displays  *prometheus.GaugeVec
	dark      prometheus.Gauge
	outbox    prometheus.Gauge
	deepest   prometheus.Gauge
	connect   prometheus.Gauge
	canWrite  prometheus.Gauge
	live      prometheus.Gauge
	waiting   prometheus.Gauge
	records   *prometheus.CounterVec
	gaps      prometheus.Counter
	replaced  prometheus.Counter
	acks      prometheus.Counter
	refusals  *prometheus.CounterVec
	incidents *prometheus.CounterVec
	lost      prometheus.Counter
	resent    prometheus.Counter
	timesTold prometheus.Counter
	repeated  prometheus.Counter
	commit    prometheus.Histogram
	latency   prometheus.Histogram
}

// NewMetrics registers everything with r.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "bangtin", Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "bangtin", Name: name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "bangtin", Name: name, Help: help}, []string{label})
	}
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "bangtin", Name: name, Help: help,
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)})
	}
	m := &Metrics{
		displays: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "bangtin", Name: "displays",
			Help: "Displays by the state of their connection."}, []string{"state"}),
		dark:      gauge("dark_displays", "Displays that are dark inside a window."),
		outbox:    gauge("outbox_records", "Records that displays say they hold and the centre has not acknowledged."),
		deepest:   gauge("outbox_deepest_records", "The longest outbox of one display."),
		connect:   gauge("broker_connected", "1 while the broker is joined."),
		canWrite:  gauge("database_writable", "1 while the last write succeeded."),
		live:      gauge("live_commands", "Commands without a final status, counted for each display."),
		waiting:   gauge("queue_messages", "Messages that wait inside the centre."),
		records:   counters("records_total", "Records that came, by what became of them.", "what"),
		gaps:      counter("gaps_total", "Stretches of records that did not come."),
		replaced:  counter("chains_replaced_total", "Chains that did not follow the one before."),
		acks:      counter("acks_total", "Signed acknowledgements."),
		refusals:  counters("refusals_total", "Messages that were not taken, by reason.", "reason"),
		incidents: counters("incidents_total", "Incidents that the centre told, by code.", "code"),
		lost:      counter("changes_dropped_total", "Changes given up because the database took nothing for too long."),
		resent:    counter("commands_resent_total", "Commands sent again to displays that came back."),
		timesTold: counter("times_told_total", "Signed answers to questions for the time."),
		repeated:  counter("orders_repeated_total", "Standing orders that the broker had lost or gone back on."),
		commit:    histogram("commit_seconds", "Duration of a transaction."),
		latency:   histogram("ack_seconds", "From the arrival of a batch to its acknowledgement."),
	}
	for _, reason := range Refusals() {
		m.refusals.WithLabelValues(string(reason))
	}
	m.canWrite.Set(1)
	for _, c := range []prometheus.Collector{
		m.displays, m.dark, m.outbox, m.deepest, m.connect, m.canWrite, m.live, m.waiting, m.records, m.gaps, m.replaced,
		m.acks, m.refusals, m.incidents, m.lost, m.resent, m.timesTold, m.repeated, m.commit, m.latency,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) refused(reason Refusal) { m.refusals.WithLabelValues(string(reason)).Inc() }
func (m *Metrics) connected(yes bool)     { m.connect.Set(truth(yes)) }
func (m *Metrics) writable(yes bool)      { m.canWrite.Set(truth(yes)) }
func (m *Metrics) dropped(n int)          { m.lost.Add(float64(n)) }
func (m *Metrics) committed(d time.Duration) {
	m.commit.Observe(d.Seconds())
}

func (m *Metrics) acknowledged(d time.Duration) {
	m.acks.Inc()
	m.latency.Observe(d.Seconds())
}

func (m *Metrics) incident(code string, over bool) {
	if !over {
		m.incidents.WithLabelValues(code).Inc()
	}
}

func (m *Metrics) collected(o store.Outcome) {
	m.records.WithLabelValues("stored").Add(float64(o.Stored - o.Again))
	m.records.WithLabelValues("again").Add(float64(o.Again))
	m.records.WithLabelValues("duplicate").Add(float64(o.Duplicates))
	m.gaps.Add(float64(o.Gaps))
	m.replaced.Add(float64(o.Replaced))
}

func (m *Metrics) looked(n Counts, live, waiting int) {
	for state, count := range map[string]int{"online": n.Online, "off": n.Off, "lost": n.Lost, "unknown": n.Unknown} {
		m.displays.WithLabelValues(state).Set(float64(count))
	}
	m.dark.Set(float64(n.Dark))
	m.outbox.Set(float64(n.Outbox))
	m.deepest.Set(float64(n.Deepest))
	m.live.Set(float64(live))
	m.waiting.Set(float64(waiting))
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
