package pebble

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A disk that has become nearly full refuses events, and takes them again when there is room.
// Sessions can be read and ended meanwhile.
func TestDiskThatIsNearlyFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatalf("this test mounts a small disk, for which it must be root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := openStore(t, filepath.Join(dir, "d"), Config{MinFree: 16 << 20})
	create(t, s, shard.Options{ID: "s", Ring: wide})
	create(t, s, shard.Options{ID: "other"})
	n := 0
	var err error
	for ; err == nil && n < 10_000; n++ {
		_, err = s.Append(bg, "s", ring.Event{Data: bytes.Repeat([]byte{byte(n), byte(n >> 8), 7, byte(n * 31)},
			16_000)})
	}
	wantErr(t, "Append", err, ErrDiskFull)
	if errors.Is(err, ErrFailed) {
		t.Fatalf("the disk was full before MinFree was noticed: %v", err)
	}
	_, err = s.Create(bg, "third", shard.Metadata{})
	wantErr(t, "Create", err, ErrDiskFull)
	_, err = s.Append(bg, "unknown", ring.Event{})
	wantErr(t, "Append to an unknown session", err, shard.ErrNotFound)
	if got := len(readAll(t, s, "s")); got != n-1 {
		t.Errorf("%d events, want %d", got, n-1)
	}
	if err := s.Terminate(bg, "s"); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(bg, []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "there is room again", func() bool {
		_, err := s.Append(bg, "other", ring.Event{})
		return err == nil
	})
}

// A disk that is full all the same, in the middle of whatever is written: nothing confirmed is
// lost.
func TestDiskThatIsFull(t *testing.T) {
	if inAnotherProcess(t) {
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatalf("this test mounts a small disk, for which it must be root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s, err := Open(filepath.Join(dir, "d"), Config{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, shard.Options{ID: "s", Ring: wide})
	n := 0
	for ; err == nil; n++ {
		_, err = s.Append(bg, "s", ring.Event{Data: make([]byte, 50_000)})
	}
	wantErr(t, "Append", err, ErrFailed, ErrDiskFull, syscall.ENOSPC)
	if got := len(readAll(t, s, "s")); got != n-1 {
		t.Errorf("%d events can be read, %d were confirmed", got, n-1)
	}
	s.Close()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "d")
	if s.commits.wedged.Load() {
		t.Log("the directory is locked until the process ends; a copy is opened")
		if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
		kept = filepath.Join(dir, "copy")
	}
	s = openStore(t, kept, Config{MinFree: -1})
	if got := len(readAll(t, s, "s")); got < n-1 {
		t.Errorf("%d events, %d were confirmed", got, n-1)
	}
	mustAppend(t, s, "s", ring.Event{})
}

// inAnotherProcess runs the test in a process of its own, and reports whether it has: what is left
// of an engine that is stuck ends with that.
func inAnotherProcess(t *testing.T) bool {
	if os.Getenv("REPRISE_ALONE") != "" {
		return false
	}
	parts := strings.Split(t.Name(), "/")
	command := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+strings.Join(parts, "$/^")+"$")
	command.Env = append(os.Environ(), "REPRISE_ALONE=1")
	endWithUs(command)
	out, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v: %s", err, out)
	}
	return true
}
