// Package site reads the site file of one display: types, strict parsing and validation. It is pure.
package site
