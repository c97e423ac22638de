package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCatalogueHoldsExactlyThePhrasesInTheCode: nobody is told English in the middle of Vietnamese, both languages take the
// same arguments, and nothing is translated that nobody says.
func TestCatalogueHoldsExactlyThePhrasesInTheCode(t *testing.T) {
	said, catalogue := phrasesInCode(t), vietnamese()
	if len(said) < 50 {
		t.Fatalf("only %d phrases were found: the code is read wrongly", len(said))
	}
	for english := range said {
		vi, ok := catalogue[english]
		if !ok {
			t.Errorf("no Vietnamese for %q", english)
		} else if !slices.Equal(verbs(english), verbs(vi)) {
			t.Errorf("%q and %q take other arguments", english, vi)
		}
	}
	for english := range catalogue {
		if !said[english] {
			t.Errorf("nobody says %q", english)
		}
	}
}

func verbs(s string) []string {
	return regexp.MustCompile(`%\w`).FindAllString(strings.ReplaceAll(s, "%%", ""), -1)
}

// phrasesInCode finds the first argument of every call of say.
func phrasesInCode(t *testing.T) map[string]bool {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if name, ok := call.Fun.(*ast.Ident); !ok || name.Name != "say" {
				return true
			}
			lit, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: say is called without a literal", f.Name())
				return true
			}
			english, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			said[english] = true
			if got, want := len(verbs(english)), len(call.Args)-1; got != want {
				t.Errorf("%q takes %d arguments, is given %d", english, got, want)
			}
			return true
		})
	}
	return said
}
