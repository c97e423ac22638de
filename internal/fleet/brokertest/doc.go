// Package brokertest is the other side of the wire, for tests: a certificate authority, a real Mosquitto, a department
// with its keys, and a stand-in for the centre. Nothing here may be linked into what runs at a border gate.
//
// Functions return errors instead of taking a testing.TB, so that a demonstration can use the certificates too.
package brokertest
