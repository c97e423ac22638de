// Package enrol is how a display comes by its certificate: the one-time code that a person types, the two requests
// POST /enrol and POST /renew, and both ends of them.
package enrol
