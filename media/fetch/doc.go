// Package fetch brings the files that a library misses from the department's server over HTTPS: one at a time,
// resumed where it was cut off, mended where it was damaged. Nothing the server says is believed but bytes whose
// SHA-256 was approved; what it can cost in bytes, requests and time is bounded.
package fetch
