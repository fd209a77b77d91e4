package fuzz_test

import (
	"errors"
	"fmt"
	"maps"

	"github.com/reprise-go/reprise/shard"
)

// update changes the client's info, or tries to change the principal too.
func (r *managerRun) update(s sessions) {
	want := s.plain.refusal()
	thief := r.one(4)
	if want == nil && thief {
		want = shard.ErrPrincipal
	}
	r.count++
	err := s.real.Update(func(md *shard.Metadata) {
		md.ClientInfo = map[string]any{"n": r.count}
		if thief {
			md.Principal += "!"
		}
	})
	r.want("Update", err, want)
	if err == nil {
		s.plain.md.ClientInfo = map[string]any{"n": r.count}
		s.plain.activity = r.plain.now
	}
	r.adopt(s)
}

// terminate ends the session, by its ID or itself.
func (r *managerRun) terminate(s sessions) {
	if r.one(2) {
		s.real.Terminate()
	} else {
		holder, want := r.manages(s)
		if !errors.Is(want, shard.ErrClosed) {
			want = nil
		}
		r.want("Terminate", r.real.Terminate(s.plain.id), want)
		if want != nil {
			return
		}
		s.plain = holder
	}
	if !s.plain.ended {
		r.plain.end(s.plain, shard.Terminated, r.plain.now, r.plain.now)
	}
	r.settle()
}

func (r *managerRun) finishSession(s sessions) {
	r.want("Finish", s.real.Finish(), s.plain.refusal())
	if s.plain.status == shard.Active {
		s.plain.status, s.plain.log.closed = shard.Finished, true
		s.plain.earliest, s.plain.latest = r.plain.now, r.plain.now
	}
	r.adopt(s)
	r.settle()
}

// look asks the manager for a session by its ID: one that exists, has ended or never was.
func (r *managerRun) look() {
	id := "nobody"
	if n := len(r.sessions); n > 0 {
		id = r.sessions[n-1-r.below(n)].plain.id
	}
	holder, held := r.plain.holder(id)
	active, got := r.real.Get(id)
	info, err := r.real.Info(id)
	switch {
	case r.plain.closed:
		r.want("Get", got, shard.ErrClosed)
		r.want("Info", err, shard.ErrClosed)
		return
	case held == no || held == perhaps && err != nil:
		r.want("Info", err, shard.ErrNotFound)
	default:
		r.want("Info", err, nil)
		r.checkInfo(info, holder.info())
		if info.ClientInfo != nil {
			info.ClientInfo["n"] = "changed by whoever asked"
		}
	}
	if holder == nil || holder.ended {
		r.want("Get", got, shard.ErrNotFound)
		return
	}
	r.want("Get", got, nil)
	for _, s := range r.sessions {
		if s.real == active && s.plain != holder {
			r.Fatalf("Get(%q) is a session that had the ID before", id)
		}
	}
	if !maps.Equal(active.Info().ClientInfo, holder.md.ClientInfo) {
		r.Fatalf("ClientInfo is %v, want %v", active.Info().ClientInfo, holder.md.ClientInfo)
	}
}

func (r *managerRun) seek(s sessions) {
	log := &s.plain.log
	id := choose(&r.script, "", "x", "y", "z", fmt.Sprintf("%s-%d", log.tag, r.below(12)))
	want := s.plain.refusal()
	at, missing := log.seek(id)
	if want == nil && missing != nil {
		want = missing
		r.plain.gaps++
	}
	c, err := s.real.Seek(id)
	r.want("Seek", err, want)
	if err == nil && len(r.cursors) < 100 {
		r.cursors, r.logs = append(r.cursors, cursors{c, at}), append(r.logs, log)
	}
}

// read reads on, whatever has become of the session.
func (r *managerRun) read() {
	if len(r.cursors) == 0 {
		return
	}
	i := len(r.cursors) - 1 - r.below(len(r.cursors))
	reader := ringRun{T: r.T, log: *r.logs[i]}
	if reader.log.letGo {
		reader.log.live = nil
	}
	for range 1 + r.below(4) {
		if !reader.next(&r.cursors[i]) {
			return
		}
	}
}

// closeOnce closes the manager once in a while: most runs go on.
func (r *managerRun) closeOnce() {
	if r.one(32) {
		r.close()
	}
}
