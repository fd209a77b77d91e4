// Package pebble keeps sessions in a directory on disk, in [Pebble], so that they outlive the
// process: a client whose server was killed resumes with every confirmed event, once and in order.
//
// [Pebble]: https://github.com/cockroachdb/pebble
package pebble
