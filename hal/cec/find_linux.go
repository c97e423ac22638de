package cec

import (
	"log/slog"
	"path/filepath"
)

// openAdapter opens the adapter at path. It knows the name that will be claimed, so that
// an address that was claimed before this program started is kept: without one the TV sees its player leave and come.
func openAdapter(path, name string, log *slog.Logger) (adapter, error) {
	d, err := openDevice(path, log)
	if err != nil {
		return nil, err
	}
	d.name = name
	if err := d.listen(); err != nil {
		d.release()
		return nil, err
	}
	log.Info("panel port opened", "port", path)
	return d, nil
}

// findAdapter looks at every adapter there is, and changes none.
func findAdapter(log *slog.Logger) (string, error) {
	paths, err := filepath.Glob("/dev/cec[0-9]*")
	if err != nil {
		return "", err
	}
	var found []candidate
	for _, path := range paths {
		d, err := openDevice(path, log)
		if err != nil {
			log.Debug("a CEC adapter is not to be had", "port", path, "err", err)
			continue
		}
		physical, err := d.physical() // which leaves the adapter as it is
		d.release()
		if err == nil && d.capabilities&canTransmit != 0 {
			found = append(found, candidate{path, physical})
		}
	}
	return choose(found)
}
