package gpio

import "fmt"

// Check finds what can never be a relay. Unlike [NewRelay] it opens nothing and moves nothing.
func (cfg RelayConfig) Check() error {
	if err := cfg.Line.check(); err != nil {
		return err
	}
	if cfg.Feedback != nil {
		if err := cfg.Feedback.check(); err != nil {
			return err
		}
		if cfg.Feedback.Chip == cfg.Line.Chip && cfg.Feedback.Name == cfg.Line.Name {
			return fmt.Errorf("cannot use %v: a relay's feedback needs a line of its own", cfg.Line)
		}
	}
	if cfg.Dwell < 0 || cfg.Dwell > maxDwell || cfg.Watchdog < 0 {
		return fmt.Errorf("cannot use %v: the dwell is 0 to %v, the watchdog not negative", cfg.Line, maxDwell)
	}
	return nil
}
