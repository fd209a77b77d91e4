package fuzz_test

import (
	"errors"
	"sync"

	"github.com/reprise-go/reprise/shard"
)

// cachesSessions remembers what Get found.
type cachesSessions struct {
	soundHost
	found sync.Map
}

func (b *cachesSessions) Get(id string) (*shard.Session, error) {
	if s, ok := b.found.Load(id); ok {
		return s.(*shard.Session), nil
	}
	s, err := b.soundHost.Get(id)
	if err == nil {
		b.found.Store(id, s)
	}
	return s, err
}

// losesTouches says that it touches a session, and does not.
type losesTouches struct{ soundHost }

func (b losesTouches) Touch(s *shard.Session) error {
	if err := s.Err(); !errors.Is(err, shard.ErrFinished) {
		return err
	}
	return nil
}

// terminatesLater returns before the session has ended.
type terminatesLater struct{ soundHost }

func (b terminatesLater) Terminate(id string) error {
	go b.soundHost.Terminate(id)
	return nil
}

// replacesSessions ends the session that has the ID when another one is to be created.
type replacesSessions struct{ soundHost }

func (b replacesSessions) CreateWithID(id string, md shard.Metadata) (*shard.Session, error) {
	s, err := b.soundHost.CreateWithID(id, md)
	if errors.Is(err, shard.ErrExists) {
		b.soundHost.Terminate(id)
		return b.soundHost.CreateWithID(id, md)
	}
	return s, err
}

// revives accepts a touch of any session that it has ever touched.
type revives struct {
	soundHost
	touched sync.Map
}

func (b *revives) Touch(s *shard.Session) error {
	err := b.soundHost.Touch(s)
	if _, before := b.touched.LoadOrStore(s, true); before {
		return nil
	}
	return err
}
