// Command release checks that the modules of a repository load outside it: for each module it packs
// what the module proxy would serve, and uses that as a stranger does. See check.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	c := check{out: os.Stdout}
	flag.StringVar(&c.root, "root", ".", "`folder` of the repository")
	flag.StringVar(&c.version, "version", "", "`version` that every module has and requires of the others")
	cached := flag.Bool("cache", false, "keep other people's modules, in the user's cache folder, from run to run")
	skip := flag.String("unpublished", "", "`folders` of modules that nobody imports, separated by spaces")
	flag.Parse()
	c.unpublished = strings.Fields(*skip)
	err := error(nil)
	if *cached {
		c.cache, err = cacheOf(c.root)
	}
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release-check:", err)
		os.Exit(1)
	}
}

// cacheOf returns a folder that belongs to one checkout of the repository.
func cacheOf(root string) (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	return filepath.Join(user, "reprise-release", fmt.Sprintf("%x", sha256.Sum256([]byte(root)))[:16]), nil
}

// run checks everything, and reports all that is wrong and not the first alone.
func (c *check) run() error {
	if err := c.load(); err != nil {
		return err
	}
	if err := c.requirements(); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if c.cache == "" {
		c.cache = filepath.Join(temp, "cache")
	}
	if err := c.forget(); err != nil {
		return err
	}
	if err := c.serve(temp); err != nil {
		return err
	}
	var wrong []error
	for _, m := range c.modules {
		if !m.published {
			continue
		}
		fmt.Fprintln(c.out, "──", m.path)
		wrong = append(wrong, c.alone(m, temp), c.imported(m, temp))
	}
	fmt.Fprintln(c.out, "── programs of the READMEs")
	return errors.Join(append(wrong, c.programs(temp))...)
}
