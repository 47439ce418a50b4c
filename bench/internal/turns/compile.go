package turns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const compiler = "gcc"

// Compile compiles C source in a folder, and returns the program's path.
func Compile(ctx context.Context, dir, name string, source []byte) (string, error) {
	text, program := filepath.Join(dir, name+".c"), filepath.Join(dir, name)
	if err := os.WriteFile(text, source, 0o600); err != nil {
		return "", fmt.Errorf("write the C source: %w", err)
	}
	out, err := exec.CommandContext(ctx, compiler, "-O2", "-Wall", "-Wextra", "-o", program, text).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile %s.c: %w", name, errors.Join(err, said(out)))
	}
	return program, nil
}

// said returns a tool's messages as an error, if it had any.
func said(out []byte) error {
	if text := strings.TrimSpace(string(out)); text != "" {
		return errors.New(text)
	}
	return nil
}
