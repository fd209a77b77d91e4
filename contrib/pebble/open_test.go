package pebble

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestDirectoryBelongsToOneStore(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Config{})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, dir + "/.", link} {
		_, err := Open(name, Config{})
		wantErr(t, "Open of "+name+" in this process", err, ErrLocked)
	}
	if _, err := s.Create(bg, "s", shard.Metadata{}); err != nil {
		t.Fatal(err)
	}
	k := newKiller(t)
	k.run(func(<-chan string) {
		_, err := Open(k.dir, Config{})
		wantErr(t, "Open of another process's directory", err, ErrLocked)
	})
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "REPRISE_CRASH_DIR="+dir)
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), ErrLocked.Error()) {
		t.Errorf("another process opened this one's directory: %v %s", err, out)
	}
}

// contents returns the names of a directory's files with their sizes.
func contents(t *testing.T, dir string) (all string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() != "LOCK" {
			all += fmt.Sprintln(e.Name(), info.Size())
		}
	}
	return all
}

func TestOtherFormatsAreRefusedAndLeftAlone(t *testing.T) {
	for name, fill := range map[string]func(dir string) error{
		"another file": func(dir string) error { return os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600) },
		"an older format": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, formatFile), []byte("reprise sessions 2\n"), 0o600)
		},
		"a newer format": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, formatFile), []byte("reprise sessions 4\n"), 0o600)
		},
		"a bit of the number is flipped": func(dir string) error {
			text := strings.Replace(formatText(1), "01 ", "00 ", 1)
			return os.WriteFile(filepath.Join(dir, formatFile), []byte(text), 0o600)
		},
		"half a format": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, formatFile), []byte("reprise"), 0o600)
		},
		"another engine directory": func(dir string) error {
			db, err := engine.Open(dir, &engine.Options{FormatMajorVersion: engine.FormatMinSupported,
				Logger: &reporter{}})
			if err != nil {
				return err
			}
			return errors.Join(db.Set([]byte("a"), []byte("b"), engine.Sync), db.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := fill(dir); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			for range 2 {
				_, err := Open(dir, Config{})
				wantErr(t, "Open", err, ErrFormat)
			}
			if after := contents(t, dir); after != before {
				t.Errorf("the directory was\n%sand is\n%s", before, after)
			}
		})
	}
}

// A directory whose making was interrupted is made again.
func TestInterruptedBeginning(t *testing.T) {
	for _, have := range []string{"LOCK", formatFile + ".new", formatFile} {
		dir := t.TempDir()
		text := ""
		if have == formatFile {
			text = formatText(1)
		}
		if err := os.WriteFile(filepath.Join(dir, have), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		openStore(t, dir, Config{})
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, cfg := range map[string]Config{
		"Config.SyncEvery is -1ns": {SyncEvery: -1},
		"MaxEvents is -1":          {Ring: ring.Config{MaxEvents: -1}},
		"MaxBytes is":              {Ring: ring.Config{MaxBytes: -2}},
	} {
		if _, err := Open(t.TempDir(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	s := openStore(t, t.TempDir(), Config{})
	_, err := s.CreateWith(bg, shard.Options{Ring: ring.Config{MaxEvents: -1}})
	if err == nil || !strings.Contains(err.Error(), "MaxEvents is -1") {
		t.Errorf("error %v, want one that names MaxEvents", err)
	}
	_, err = s.Create(bg, "", shard.Metadata{ClientInfo: map[string]any{"name": "a\xff"}})
	if err == nil || !strings.Contains(err.Error(), "ClientInfo") {
		t.Errorf("error %v, want one that names ClientInfo", err)
	}
	if _, err := s.Create(bg, "", shard.Metadata{ClientInfo: map[string]any{"name": `\ufffd � \`}}); err != nil {
		t.Error(err)
	}
}

// TTL and Linger go on while no process has the directory open, and are exact afterwards: on a
// clock that is moved by hand.
func TestTimeGoesOnWhileTheProcessIsDown(t *testing.T) {
	for _, step := range []struct {
		down   time.Duration
		status shard.Status
		err    error
	}{
		{59*time.Minute + 59*time.Second, shard.Active, nil},
		{time.Hour, shard.Expired, nil},
		{time.Hour + 59*time.Second, shard.Expired, nil},
		{time.Hour + time.Minute, 0, shard.ErrNotFound},
	} {
		synctest.Test(t, func(t *testing.T) {
			fs := vfs.NewMem()
			s := openStore(t, "d", Config{fs: fs})
			create(t, s, shard.Options{ID: "s"})
			mustAppend(t, s, "s", ring.Event{})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(step.down)
			s = openStore(t, "d", Config{fs: fs})
			info, err := s.Info(bg, "s")
			if !errors.Is(err, step.err) || err == nil && info.Status != step.status {
				t.Errorf("%v later: %v, error %v; want %v, %v", step.down, info.Status, err, step.status, step.err)
			}
			if step.status != shard.Active {
				_, err := s.Append(bg, "s", ring.Event{})
				wantErr(t, "Append", err, shard.ErrNotFound)
			}
			if step.err != nil {
				create(t, s, shard.Options{ID: "s"})
				if n := len(readAll(t, s, "s")); n != 0 {
					t.Errorf("the new session has %d events", n)
				}
			}
		})
	}
}

// A session with a reader counts the last sign of life of the process as activity: it does not
// expire early, and not more than a second late.
func TestReaderOfAKilledProcessIsActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		s := openStore(t, "d", Config{fs: fs})
		create(t, s, shard.Options{ID: "s"})
		r, err := s.Open(bg, "s", replay.Position{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		time.Sleep(90 * time.Minute)
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		time.Sleep(time.Hour - time.Millisecond)
		again := openStore(t, "d", Config{fs: crashed})
		if info, err := again.Info(bg, "s"); err != nil || info.Status != shard.Active || info.Attached != 0 {
			t.Errorf("%+v, error %v; want an active session without readers", info, err)
		}
		time.Sleep(1001 * time.Millisecond)
		if info, err := again.Info(bg, "s"); err != nil || info.Status != shard.Expired {
			t.Errorf("%+v, error %v; want an expired session", info, err)
		}
	})
}

// Everything that belongs to a session is removed with it.
func TestNothingIsLeftOfSessionsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, "d", Config{fs: vfs.NewMem(), TTL: time.Minute, Linger: time.Minute})
		for i := range 10 {
			id := fmt.Sprint("s", i)
			create(t, s, shard.Options{ID: id})
			r, err := s.Open(bg, id, replay.Position{})
			if err != nil {
				t.Fatal(err)
			}
			for n := range 10 {
				mustAppend(t, s, id, ring.Event{ID: fmt.Sprint(n)})
			}
			if err := s.Claim(bg, id, "key"); err != nil {
				t.Fatal(err)
			}
			switch i % 3 {
			case 0:
				err = s.Terminate(bg, id)
			case 1:
				err = s.Finish(bg, id)
			}
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for _, prefix := range []byte{prefixState, prefixClaim, prefixEvent, prefixGarbage, prefixIndex,
			prefixSession, prefixExpiry} {
			if err := s.each(prefix, func(key, _ []byte) error {
				return fmt.Errorf("key %q is left",
					key)
			}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestProgressIsReported(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Config{})
	for range 3 {
		id, err := s.Create(bg, "", shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, s, id, ring.Event{})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var last Progress
	openStore(t, dir, Config{Progress: func(p Progress) { last = p }})
	if want := (Progress{Sessions: 3, Events: 3, Done: true}); last != want {
		t.Errorf("the last report is %+v, want %+v", last, want)
	}
}
