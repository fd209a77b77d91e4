package pebble

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The file that says what the directory holds, and in which format. It is there before the engine
// writes anything.
const (
	formatFile = "REPRISE"
	format     = "reprise sessions 3, %016x %08x\n" // with the number that begins each mark, and its checksum
)

// Open opens the directory, which it creates if need be; only its last element need not exist. The
// error names the field of cfg that is wrong and its value; or it is ErrLocked, ErrFormat or
// ErrCorrupt, or what the disk said.
//
// It reads all sessions, but not their events: a million sessions take some seconds, and whatever
// was appended shortly before the process died, up to some 100 MB, takes about one. What a crash
// has cut off in the middle of a write is dropped: it was not confirmed.
func Open(dir string, cfg Config) (*Store, error) {
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg}
	s.places = places{max: cfg.MaxSessions, maxPerPrincipal: cfg.MaxPerPrincipal, perPrincipal: map[string]int{}}
	if dir, err = prepare(dir, cfg.fs); err != nil {
		return nil, err
	}
	s.disk = disk{fs: cfg.fs, dir: dir, min: cfg.MinFree}
	if s.lock, err = engine.LockDirectory(dir, cfg.fs); err != nil {
		return nil, lockError(dir, err)
	}
	if err := s.start(dir); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// prepare makes the directory and returns the one name by which it is locked in this process.
func prepare(dir string, on vfs.FS) (string, error) {
	if err := on.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("pebble: %w", err)
	}
	if on != vfs.Default {
		return dir, nil
	}
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", fmt.Errorf("pebble: %w", err)
	}
	return abs, nil
}

// lockError tells a directory that is in use from one that cannot be locked.
func lockError(dir string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("pebble: locking %s: %w", dir, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
}

// start does what Open does once the directory is locked.
func (s *Store) start(dir string) error {
	number, err := checkFormat(dir, s.cfg.fs)
	if err != nil {
		return err
	}
	failures := &reporter{}
	options := engineOptions(s.cfg.fs, s.lock, failures, number)
	db, err := openEngine(dir, options)
	options.Cache.Unref()
	if err != nil {
		return fmt.Errorf("pebble: opening %s: %w", dir, openError(err))
	}
	s.db, s.opened = db, time.Now()
	s.commits = newCommitter(db, number, s.cfg.SyncEvery)
	s.sweeper = newSweeper(s)
	failures.forward(s.commits)
	if err := s.load(); err != nil {
		s.commits.close()
		if s.commits.wedged.Load() {
			return fmt.Errorf("%w: the directory stays locked", err)
		}
		return errors.Join(err, closeEngine(db))
	}
	s.sweeper.start()
	return nil
}

// openEngine turns a panic of Pebble's into an error.
func openEngine(dir string, options *engine.Options) (db *engine.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			if cause, ok := p.(error); ok {
				err = cause
			} else {
				err = fmt.Errorf("%v", p)
			}
		}
	}()
	return engine.Open(dir, options)
}

func openError(cause error) error {
	if engine.IsCorruptionError(cause) {
		return fmt.Errorf("%w: %w", ErrCorrupt, cause)
	}
	return cause
}

func engineOptions(on vfs.FS, lock *engine.Lock, failures *reporter, number uint64) *engine.Options {
	o := &engine.Options{
		FS: logFS{on, failures, &logCheck{directory: number}}, Lock: lock,
		FormatMajorVersion: engine.FormatNewest, MemTableSize: 32 << 20,
		Cache:  engine.NewCache(64 << 20),
		Logger: failures, EventListener: &engine.EventListener{
			BackgroundError: failures.report,
			// whoever reads gets an error; the default ends the process
			DataCorruption: func(engine.DataCorruptionInfo) {},
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// checkFormat wants the directory to be one of ours, and makes it one if it is empty. The lock file
// may be there. It returns the directory's number.
func checkFormat(dir string, on vfs.FS) (number uint64, err error) {
	path := on.PathJoin(dir, formatFile)
	f, err := on.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return writeFormat(dir, path, on)
	}
	if err != nil {
		return 0, fmt.Errorf("pebble: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 100))
	if err != nil {
		return 0, fmt.Errorf("pebble: %s: %w", path, err)
	}
	sum := uint32(0)
	if _, err := fmt.Sscanf(string(b), format, &number, &sum); err != nil || string(b) != formatText(number) {
		return 0, fmt.Errorf("%w: %s holds %q, want what it was made with, like %q", ErrFormat, path, b, formatText(0))
	}
	return number, nil
}

// formatText is what the format file holds.
func formatText(number uint64) string {
	sum := crc32.Checksum(binary.LittleEndian.AppendUint64(nil, number), castagnoli)
	return fmt.Sprintf(format, number, sum)
}

// writeFormat writes the file under another name first, so that it is never there in part.
func writeFormat(dir, path string, on vfs.FS) (number uint64, err error) {
	names, err := on.List(dir)
	if err != nil {
		return 0, fmt.Errorf("pebble: %w", err)
	}
	for _, name := range names {
		if name != "LOCK" && name != formatFile+".new" {
			return 0, fmt.Errorf("%w: %s holds %q and no %s", ErrFormat, dir, name, formatFile)
		}
	}
	var random [8]byte
	rand.Read(random[:]) // ends the process if there is nothing random
	number = binary.LittleEndian.Uint64(random[:])
	if err := writeFile(dir, path, formatText(number), on); err != nil {
		return 0, fmt.Errorf("pebble: %w", err)
	}
	return number, nil
}

func writeFile(dir, path, text string, on vfs.FS) error {
	f, err := on.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := on.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := on.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
