package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository writes a repository of three modules, the core example.com/r, r/a and r/b, of which b
// imports both others. Files given take the place of its own.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{
		"LICENSE":          "free",
		"go.mod":           "module example.com/r\n\ngo 1.25.0\n",
		"core/core.go":     "package core\n\nconst Name = \"core\"\n",
		"internal/i/i.go":  "package i\n",
		"contrib/a/go.mod": "module example.com/r/contrib/a\n\ngo 1.25.0\n",
		"contrib/a/a.go":   "package a\n\nconst Name = \"a\"\n",
		"contrib/b/go.mod": bMod("example.com/r v0.2.0", "example.com/r/contrib/a v0.2.0"),
		"contrib/b/b.go": `package b

import (
	"example.com/r/contrib/a"
	"example.com/r/core"
)

const Name = a.Name + core.Name
`,
		"README.md": "Text.\n\n```go\npackage main\n\nimport \"example.com/r/contrib/b\"\n\n" +
			"func main() { println(b.Name) }\n```\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("git", "init", "-q", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return root
}

func bMod(requires ...string) string {
	return "module example.com/r/contrib/b\n\ngo 1.25.0\n\nrequire (\n\t" + strings.Join(requires, "\n\t") + "\n)\n\n" +
		"replace example.com/r => ../..\n\nreplace example.com/r/contrib/a => ../a\n"
}

func TestWhatAStrangerCannotUseFails(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string // "": it passes
	}{
		"all is well": {},
		"a requirement that is forgotten": {
			map[string]string{"contrib/b/go.mod": bMod("example.com/r v0.2.0")},
			"contrib/b does not require example.com/r/contrib/a@v0.2.0",
		},
		"a version that only the replacement makes exist": {
			map[string]string{"contrib/b/go.mod": bMod("example.com/r v0.0.0", "example.com/r/contrib/a v0.2.0")},
			"contrib/b/go.mod requires example.com/r@v0.0.0, want v0.2.0",
		},
		"a sibling that is not replaced": {
			map[string]string{"contrib/b/go.mod": "module example.com/r/contrib/b\n\ngo 1.25.0\n\nrequire " +
				"example.com/r v0.2.0\n"},
			"contrib/b/go.mod does not replace example.com/r by its folder",
		},
		"a file that only the folder above has": {
			map[string]string{"contrib/a/a.go": "package a\n\nimport _ \"embed\"\n\n//go:embed ../shared.txt\nvar " +
				"Name string\n"},
			"invalid pattern syntax",
		},
		"a README's program that does not compile": {
			map[string]string{"contrib/a/README.md": "```go\npackage main\n\nfunc main() { undefined() }\n```\n"},
			"contrib/a/README.md, Go program 1, from outside",
		},
		"a README's program that is a fragment": {
			map[string]string{"contrib/a/README.md": "```go\nx := 1\n```\n"},
			"contrib/a/README.md, Go program 1 is not a whole program",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := check{root: repository(t, c.files), version: "v0.2.0", out: io.Discard}
			err := check.run()
			if c.want == "" && err != nil {
				t.Fatal(err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

// The same version is packed again and again while it is worked on.
func TestWhatIsKeptHidesNoChange(t *testing.T) {
	root, cache := repository(t, nil), t.TempDir()
	run := func() error {
		return (&check{root: root, version: "v0.2.0", cache: cache, out: io.Discard}).run()
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"core/core.go": "package core\n\nconst Name = name\n",
		"core/name.go": "package core\n\nconst name = \"core\"\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
}

func TestAModuleIsPackedWithItsOwnFilesAndTheLicence(t *testing.T) {
	c := check{root: repository(t, nil), version: "v0.2.0", out: io.Discard}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range c.modules {
		for _, f := range c.contents(m) {
			got = append(got, m.dir+":"+f.Path())
		}
	}
	want := ".:LICENSE .:README.md .:core/core.go .:go.mod .:internal/i/i.go " +
		"contrib/a:a.go contrib/a:go.mod contrib/a:LICENSE contrib/b:b.go contrib/b:go.mod contrib/b:LICENSE"
	if strings.Join(got, " ") != want {
		t.Errorf("%v", got)
	}
}
