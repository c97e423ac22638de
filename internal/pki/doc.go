// Package pki is who is who on the wire: the department's certificate authorities, the certificates that they give
// to displays, people and servers, and the TLS configurations made of them. A certificate says who somebody is; what
// they may order is decided by signatures alone, see package trust.
package pki
