package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// command runs the go command in dir as somebody does who has nothing but the packed modules and
// the module proxy.
func (c *check) command(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	family := c.modules[0].path
	// Without goindex=0 the go command takes the files of a version for those that it saw first.
	cmd.Env = append(
		os.Environ(),
		"GODEBUG=goindex=0",
		"GOFLAGS=-mod=mod -modcacherw",
		"GOWORK=off",
		"GOPRIVATE=",
		"GONOPROXY=",
		"GOPROXY="+c.proxy,
		"GONOSUMDB="+family,
		"GOMODCACHE="+c.cache,
	)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, &complaints)
	}
	return out, nil
}

// alone unpacks a module and vets it without its replacements. If the go command has to add a
// requirement for that, the module has forgotten it.
func (c *check) alone(m *mod, temp string) error {
	dir := filepath.Join(temp, "alone", filepath.FromSlash(m.dir))
	v := module.Version{Path: m.path, Version: c.version}
	packed := filepath.Join(temp, "proxy", filepath.FromSlash(m.path), "@v", c.version+".zip")
	if err := zip.Unzip(dir, v, packed); err != nil {
		return err
	}
	before, err := unreplaced(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	if _, err := c.command(dir, "vet", "./..."); err != nil {
		return fmt.Errorf("%s by itself: %w", m.path, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	after, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return err
	}
	for _, r := range after.Require {
		if !before[r.Mod] {
			return fmt.Errorf("%s does not require %v, which its packages need", m.path, r.Mod)
		}
	}
	return nil
}

// unreplaced removes the replacements from a go.mod file, and returns what it requires.
func unreplaced(file string) (map[module.Version]bool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	f, err := modfile.Parse(file, data, nil)
	if err != nil {
		return nil, err
	}
	required := map[module.Version]bool{}
	for _, r := range f.Require {
		required[r.Mod] = true
	}
	for _, r := range f.Replace {
		if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return nil, err
		}
	}
	f.Cleanup()
	if data, err = f.Format(); err != nil {
		return nil, err
	}
	return required, os.WriteFile(file, data, 0o644)
}

// imported gets a module into a fresh one, and builds a program with all that it lets others
// import.
func (c *check) imported(m *mod, temp string) error {
	dir := filepath.Join(temp, "imported", filepath.FromSlash(m.dir))
	if err := c.fresh(dir, m.path); err != nil {
		return err
	}
	out, err := c.command(dir, "list", "-f", "{{if ne .Name \"main\"}}{{.ImportPath}}{{end}}", m.path+"/...")
	if err != nil {
		return err
	}
	var src strings.Builder
	src.WriteString("package main\n\nimport (\n")
	for p := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(p+"/", "/internal/") && c.holds(m, p) {
			fmt.Fprintf(&src, "\t_ %q\n", p)
		}
	}
	src.WriteString(")\n\nfunc main() {}\n")
	return c.try(dir, m.path, src.String())
}

// holds reports whether a package is m's, and not of a module below it.
func (c *check) holds(m *mod, pkg string) bool {
	for _, other := range c.modules {
		if len(other.path) > len(m.path) && strings.HasPrefix(pkg+"/", other.path+"/") {
			return false
		}
	}
	return true
}

// fresh makes a module outside the repository that has got others.
func (c *check) fresh(dir string, paths ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := c.command(dir, "mod", "init", "example.com/stranger"); err != nil {
		return err
	}
	for _, p := range paths {
		if _, err := c.command(dir, "get", p+"@"+c.version); err != nil {
			return err
		}
	}
	return nil
}

// try vets and builds one program.
func (c *check) try(dir, name, src string) error {
	c.tried++
	sub := fmt.Sprint("program", c.tried)
	if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, sub, "main.go"), []byte(src), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{{"vet", "./" + sub}, {"build", "-o", os.DevNull, "./" + sub}} {
		if _, err := c.command(dir, args...); err != nil {
			return fmt.Errorf("%s, from outside: %w", name, err)
		}
	}
	return nil
}

// programs vets and builds each Go program of each README, in a fresh module that has the core
// alone: what else a program imports, the go command finds by itself, as it does for a reader.
func (c *check) programs(temp string) error {
	dir := filepath.Join(temp, "programs")
	if err := c.fresh(dir, c.modules[0].path); err != nil {
		return err
	}
	for _, f := range c.files {
		if path.Base(f) != "README.md" {
			continue
		}
		text, err := os.ReadFile(c.at(f))
		if err != nil {
			return err
		}
		for i, block := range strings.Split(string(text), "```go\n")[1:] {
			src, _, _ := strings.Cut(block, "```")
			name := fmt.Sprintf("%s, Go program %d", f, i+1)
			if !strings.HasPrefix(src, "package main\n") {
				return fmt.Errorf("%s is not a whole program: it begins with %.40q", name, src)
			}
			if err := c.try(dir, name, src); err != nil {
				return err
			}
			fmt.Fprintln(c.out, name)
		}
	}
	return nil
}
