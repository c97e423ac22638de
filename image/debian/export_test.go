package debian

// LoadOrder and PickSources are what the kernel's and apt's words are read by.
var (
	LoadOrder   = loadOrder
	PickSources = pickSources
)
