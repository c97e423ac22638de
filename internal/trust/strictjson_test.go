package trust_test

import (
	"encoding/json"
	"strings"
	"testing"

	"bangtin/internal/trust"
)

func TestDecodeJSONHasOneReading(t *testing.T) {
	type inner struct {
		Size  float64         `json:"size"`
		Lists json.RawMessage `json:"lists"`
	}
	type value struct {
		Sum    string         `json:"sum"`
		KeyID  string         `json:"keyID"`
		In     inner          `json:"in"`
		ByName map[string]int `json:"by-name"`
	}
	nested := func(n int) string { return `{"in":{"lists":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}` }
	tests := map[string]struct {
		raw string
		err string // part of it; empty means taken
	}{
		"every field":             {`{"sum":"a","keyID":"b","in":{"size":1e300,"lists":[1e999]},"by-name":{"x.1":1}}`, ""},
		"none":                    {` {} `, ""},
		"as deep as may be":       {nested(14), ""},
		"one deeper":              {nested(15), "nested"},
		"deep without end":        {`{"in":` + strings.Repeat(`{"in":`, 100000), "nested"},
		"empty":                   {"", "EOF"},
		"cut off":                 {`{"sum":`, "EOF"},
		"null":                    {"null", "not a JSON object"},
		"array":                   {"[]", "not a JSON object"},
		"a second object":         {"{}{}", "follows"},
		"rubbish after":           {"{}x", "follows"},
		"not UTF-8":               {"{\"sum\":\"\xff\"}", "UTF-8"},
		"unknown field":           {`{"total":1}`, `unknown field "total"`},
		"unknown field within":    {`{"in":{"sum":""}}`, `unknown field "sum"`},
		"field twice":             {`{"sum":"","sum":""}`, `"sum" stands twice`},
		"field twice by escape":   {`{"sum":"","s\u0075m":""}`, `"sum" stands twice`},
		"field twice within":      {`{"in":{"size":1,"size":2}}`, `"size" stands twice`},
		"field in capitals":       {`{"Sum":""}`, `"Sum"`},
		"field with a long s":     {`{"ſum":""}`, `"ſum"`},
		"exception in lower case": {`{"keyid":""}`, `"keyid"`},
		"exception with a Kelvin": {"{\"\u212aeyID\":\"\"}", "unknown field"},
		"name of nothing":         {`{"by-name":{"":1}}`, "unknown field"},
		"name of 61 letters":      {`{"by-name":{"` + strings.Repeat("a", 61) + `":1}}`, "unknown field"},
		"another type":            {`{"sum":1}`, "sum"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var v value
			err := trust.DecodeJSON([]byte(tt.raw), &v, "keyID")
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}
