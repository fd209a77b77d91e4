package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// forget removes what an earlier run has put into the cache of the modules that are packed.
func (c *check) forget() error {
	family := filepath.FromSlash(c.modules[0].path)
	old, err := filepath.Glob(filepath.Join(c.cache, family+"*"))
	if err != nil {
		return err
	}
	old = append(old, filepath.Join(c.cache, "cache", "download", family))
	for _, dir := range old {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// serve writes all published modules into a folder of temp, as the module proxy protocol has them
// (https://go.dev/ref/mod#goproxy-protocol). The user's module proxies have the others.
func (c *check) serve(temp string) error {
	proxy := filepath.Join(temp, "proxy")
	others, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		return err
	}
	c.proxy = "file://" + filepath.ToSlash(proxy) + "," + strings.TrimSpace(string(others))
	for _, m := range c.modules {
		if !m.published {
			continue
		}
		if err := c.pack(m, proxy); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	return nil
}

func (c *check) pack(m *mod, proxy string) error {
	v := module.Version{Path: m.path, Version: c.version}
	dir := filepath.Join(proxy, filepath.FromSlash(m.path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": c.version, "Time": time.Now().UTC()})
	if err != nil {
		return err
	}
	gomod, err := os.ReadFile(c.at(path.Join(m.dir, "go.mod")))
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"list": []byte(c.version + "\n"), c.version + ".info": info, c.version + ".mod": gomod,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	out, err := os.Create(filepath.Join(dir, c.version+".zip"))
	if err != nil {
		return err
	}
	if err := zip.Create(out, v, c.contents(m)); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// contents are a module's files: those of the repository below its folder that are no other
// module's, and the repository's licence, as the go command adds it.
func (c *check) contents(m *mod) (files []zip.File) {
	for _, f := range c.files {
		if c.owner(f) == m {
			files = append(files, packed{strings.TrimPrefix(f, m.dir+"/"), c.at(f)})
		}
	}
	if m.dir != "." {
		files = append(files, packed{"LICENSE", c.at("LICENSE")})
	}
	return files
}

type packed struct{ name, file string }

func (p packed) Path() string                 { return p.name }
func (p packed) Lstat() (os.FileInfo, error)  { return os.Lstat(p.file) }
func (p packed) Open() (io.ReadCloser, error) { return os.Open(p.file) }
