// Package depot is the centre's HTTPS: content for displays, what displays upload, and enrolment, which another room
// does. Who somebody is, is in the certificate of the connection; who may do what is decided path by path:
//
//	GET  /content/<sha256>               display or operator; Range, and "<sha256>" as strong ETag
//	GET  /content/<sha256>.blocks        display or operator; SHA-256 of each 64 KiB
//	PUT  /content/<sha256>               operator
//	PUT  /content/upload/<command>.jpg   display; also .json; at most 1 MiB, the newest 20 of each display are kept
//	GET  /content/upload/<device>/<command>.jpg   operator; also .json
//	POST /enrol, /renew                  whoever the enroller admits
//
// Content is named by its hash, so it never changes and needs no trust in whoever serves it. A file appears under its
// name only when it is whole, checked and on disk. Every answer that is not the thing itself is {"error":"cannot …"}.
package depot
