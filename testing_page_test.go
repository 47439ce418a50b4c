package corolla_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTestingPageIsTheChatsTests keeps the code of docs/testing.md code that runs.
func TestTestingPageIsTheChatsTests(t *testing.T) {
	page, err := os.ReadFile("docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("examples/twisted/chat/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var tests strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 4 {
		t.Errorf("found only %d blocks of code", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(tests.String(), b[1]) {
			t.Errorf("this is not in the chat's tests any more:\n%s", b[1])
		}
	}
}
