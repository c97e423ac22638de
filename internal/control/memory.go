package control

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"bangtin/internal/journal"
)

const settingPanel = "control.panel"

// A remembered is what a restart must not forget of the panel: a power cut that puts its light out restarts the daemon too.
type remembered struct {
	Meter Meter `json:"meter"` // the thresholds that Shone holds for: whoever has measured anew, begins anew
	Shone bool  `json:"shone"` // see Evidence
	Saw   bool  `json:"saw"`
	// Dimmed is the brightness in percent that heat has taken and nobody has given back; else LeaveBrightness.
	Dimmed int `json:"dimmed"`
}

// A memory brings what is remembered of the panel to disk. note is for the loop; save for its own goroutine.
type memory struct {
	journal Books
	dirty   chan struct{}
	mu      sync.Mutex
	panel   remembered
}

// loadMemory takes over what the last run knew. What cannot be read is forgotten, and told.
func loadMemory(ctx context.Context, j Books, m Meter) (*memory, error) {
	unknown := remembered{Dimmed: LeaveBrightness}
	mem := &memory{journal: j, dirty: make(chan struct{}, 1), panel: unknown}
	raw, err := j.Setting(ctx, settingPanel)
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &mem.panel)
	}
	if err == nil && (mem.panel.Dimmed < LeaveBrightness || mem.panel.Dimmed > 100) {
		err = fmt.Errorf("a brightness of %d %%", mem.panel.Dimmed)
	}
	if err != nil {
		mem.panel = unknown
		err = fmt.Errorf("cannot load what is known of the panel: %w", err)
	}
	if mem.panel.Meter != m {
		mem.panel.Meter, mem.panel.Shone = m, false
	}
	return mem, err
}

// note keeps what is known now.
func (m *memory) note(r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.panel == r {
		return
	}
	m.panel = r
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

func (m *memory) save(ctx context.Context) error {
	m.mu.Lock()
	panel := m.panel
	m.mu.Unlock()
	raw, err := json.Marshal(panel)
	if err != nil {
		return err
	}
	return m.journal.Commit(ctx, journal.Write{Label: "panel", Settings: map[string][]byte{settingPanel: raw}})
}
