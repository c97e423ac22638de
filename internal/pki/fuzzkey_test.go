package pki_test

// fuzzKey is a key of no use to anybody.
const fuzzKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAd61IhxsuS1SEHo3
l+o9wiYv7VYkpnMc1aDbo4Z0SNChRANCAATFTdbHuUhLq+vM0uwdbhiAHKsQVBD0
z/FWYvrmcEqBOqqNzNrwkONTW3E2ZIaLcx+yDOFx6BtkGBShEPHChSPl
-----END PRIVATE KEY-----
`
