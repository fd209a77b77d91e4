package pebble

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A logFS has logs checked before Pebble reads them, which it does at Open, one after the other and
// only those that it still needs.
//
// And it keeps Pebble from ending the process. When a log cannot be written, or a new one not be
// made, Pebble 2.1 panics with a lock in a state that cannot be recovered from. So whoever meets
// such an error is held here until nobody is in the middle of a write, and only then gets the
// error; a goroutine that has met it in the middle of its own write stays here for good.
type logFS struct {
	vfs.FS
	failures *reporter
	logs     *logCheck
}

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

func (fs logFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, o...)
	if err != nil || !isLog(name) {
		return f, err
	}
	readable, err := fs.logs.check(name, fs.FS, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return readable, nil
}

func (fs logFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.log(name)(fs.FS.Create(name, c))
}

func (fs logFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.log(to)(fs.FS.ReuseForWrite(from, to, c))
}

func (fs logFS) log(name string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if !isLog(name) {
			return f, err
		}
		if err != nil {
			return nil, fs.failures.hold(err)
		}
		return logFile{f, fs.failures}, nil
	}
}

// Unwrap lets Pebble find what is below.
func (fs logFS) Unwrap() vfs.FS { return fs.FS }

type logFile struct {
	vfs.File
	failures *reporter
}

func (f logFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	return n, f.failures.hold(err)
}

func (f logFile) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(b, at)
	return n, f.failures.hold(err)
}

func (f logFile) Sync() error     { return f.failures.hold(f.File.Sync()) }
func (f logFile) SyncData() error { return f.failures.hold(f.File.SyncData()) }
func (f logFile) Close() error    { return f.failures.hold(f.File.Close()) }

func (f logFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.failures.hold(err)
}
