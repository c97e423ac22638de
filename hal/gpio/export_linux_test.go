package gpio

// Ask opens a line of the chips whose nodes are in dev.
func Ask(dev string, l Line) error {
	_, err := kernelLines{dev: dev}.input(l, 0)
	return err
}
