package docs_test

import (
	"context"
	"os"
	"testing"
)

// TestInstall types the blocks of docs/cai-dat.md that need no medium, as somebody who is not root, and compares what is
// seen. The commands that write a medium are cmd/bangtin's own tests, on a loop device.
func TestInstall(t *testing.T) {
	page, err := os.ReadFile("cai-dat.md")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sh := newShell(t, ctx, build(t))
	typed := blocks(string(page))
	if len(typed) < 4 {
		t.Fatalf("%d blocks are on the page", len(typed))
	}
	for _, b := range typed {
		sh.try(b)
	}
	sh.end()
}
