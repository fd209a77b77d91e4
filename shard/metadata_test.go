package shard_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/shard"
)

func clientInfo() map[string]any {
	return map[string]any{
		"name":    "client",
		"version": 1.5,
		"nothing": nil,
		"deep":    map[string]any{"list": []any{1, map[string]any{"x": "y"}}},
		"strings": []string{"a", "b"},
		"typed":   map[string][]int{"n": {1, 2}},
		"raw":     json.RawMessage(`{"a":1}`),
		"nilmap":  map[string]any(nil),
		"nilany":  []any{nil},
	}
}

// spoil changes all that can be changed in what clientInfo returned.
func spoil(info map[string]any) {
	info["deep"].(map[string]any)["list"].([]any)[1].(map[string]any)["x"] = "spoilt"
	info["deep"].(map[string]any)["list"].([]any)[0] = "spoilt"
	info["strings"].([]string)[0] = "spoilt"
	info["typed"].(map[string][]int)["n"][0] = -1
	info["raw"].(json.RawMessage)[2] = 'z'
	info["name"] = "spoilt"
}

func TestMetadataIsCopiedInAndOutAtEveryDepth(t *testing.T) {
	m := newManager(t, shard.Config{})
	given := clientInfo()
	s, err := m.Create(shard.Metadata{Transport: "sse", Principal: "me", ClientInfo: given})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		md := s.Info().Metadata
		if md.Transport != "sse" || md.Principal != "me" || !reflect.DeepEqual(md.ClientInfo, clientInfo()) {
			t.Fatalf("%s: %+v", what, md)
		}
	}
	check("at first")
	spoil(given)
	check("after what Create was given has changed")
	spoil(s.Info().ClientInfo)
	check("after what Info returned has changed")
	var kept map[string]any
	s.Update(func(md *shard.Metadata) {
		spoil(md.ClientInfo)
		kept = clientInfo()
		md.ClientInfo = kept
	})
	spoil(kept)
	check("after what Update put in has changed")
	wantErr(t, "Update", s.Update(func(md *shard.Metadata) { spoil(md.ClientInfo); md.Principal = "" }),
		shard.ErrPrincipal)
	check("after an Update that failed")
}

func TestNilMapsAndSlicesAndOtherTypesStayWhatTheyAre(t *testing.T) {
	given := map[string]any{
		"map": map[string]int(nil), "slice": []string(nil), "nested": []map[string][]int{nil,
			{"a": nil}}, "duration": time.Second, "nothing": nil,
		"interfaces": []any{nil, 1},
	}
	s, err := newManager(t, shard.Config{}).Create(shard.Metadata{ClientInfo: given})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Info().ClientInfo; !reflect.DeepEqual(got, given) {
		t.Errorf("%#v has become %#v", given, got)
	}
}

type (
	named  struct{ Name string }
	opaque struct{ secret string }
	node   struct{ Next *node }
	nested struct {
		List  []string
		Map   map[string][]int
		Array [1][]string
		Ptr   *named
		Any   any
	}
)

func TestArraysStructsAndPointersAreCopiedInDepth(t *testing.T) {
	given := func() map[string]any {
		n := nested{[]string{"a"}, map[string][]int{"n": {1}}, [1][]string{{"a"}}, &named{"a"}, []any{"a"}}
		return map[string]any{"array": [1][]string{{"a"}}, "struct": n, "pointer": &n, "when": time.Unix(1, 0)}
	}
	change := func(n *nested) {
		n.List[0], n.Map["n"][0], n.Array[0][0], n.Ptr.Name, n.Any.([]any)[0] = "b", 2, "b", "b", "b"
	}
	mine := given()
	s, err := newManager(t, shard.Config{}).Create(shard.Metadata{ClientInfo: mine})
	if err != nil {
		t.Fatal(err)
	}
	for what, info := range map[string]map[string]any{"given": mine, "got": s.Info().ClientInfo} {
		info["array"].([1][]string)[0][0] = "b"
		n := info["struct"].(nested)
		change(&n)
		change(info["pointer"].(*nested))
		if got := s.Info().ClientInfo; !reflect.DeepEqual(got, given()) {
			t.Errorf("after what was %s has changed: %+v", what, got)
		}
	}
	list := []string{"a"}
	s.Update(func(md *shard.Metadata) { md.ClientInfo = map[string]any{"opaque": &opaqueList{list: list}} })
	if o := s.Info().ClientInfo["opaque"].(*opaqueList); &o.list[0] != &list[0] {
		t.Error("a struct with unexported fields was taken apart")
	}
}

type opaqueList struct{ list []string }

func TestMetadataThatIsNotUTF8IsRefusedNamingWhere(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	const bad = "a\xffb"
	for where, md := range map[string]shard.Metadata{
		"Transport is":                   {Transport: bad},
		"Principal is":                   {Principal: bad},
		`ClientInfo["a"] is`:             {ClientInfo: map[string]any{"a": bad}},
		"ClientInfo has a key that is":   {ClientInfo: map[string]any{bad: 1}},
		`ClientInfo["a"][1]["b"] is`:     {ClientInfo: map[string]any{"a": []any{1, map[string]any{"b": bad}}}},
		`ClientInfo["a"][0].Name is`:     {ClientInfo: map[string]any{"a": [1]named{{bad}}}},
		`ClientInfo["a"].Ptr.Name is`:    {ClientInfo: map[string]any{"a": &nested{Ptr: &named{bad}}}},
		`ClientInfo["a"] has a key that`: {ClientInfo: map[string]any{"a": map[named]int{{bad}: 1}}},
	} {
		_, err := m.Create(md)
		wantErr(t, where, err, shard.ErrInvalidMetadata)
		wantErr(t, where, md.Validate(), shard.ErrInvalidMetadata)
		if err != nil && !(strings.Contains(err.Error(), ": "+where) && strings.Contains(err.Error(), `a\xffb`)) {
			t.Errorf("want %q in %q", where, err)
		}
		if md.Principal == "" {
			wantErr(t, where, s.Update(func(now *shard.Metadata) { *now = md }), shard.ErrInvalidMetadata)
		}
	}
	fine := shard.Metadata{Principal: "ü", ClientInfo: map[string]any{"bytes": []byte(bad)}}
	if err := fine.Validate(); err != nil {
		t.Errorf("UTF-8, and bytes that need not be: %v", err)
	}
	if st := m.Stats(); st.Created != 1 {
		t.Errorf("%d sessions were created", st.Created)
	}
}

func TestMetadataIsBoundedTo16KiB(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{MaxSessions: 1})
		itself := map[string]any{}
		itself["me"] = itself
		long := strings.Repeat("x", 16<<10)
		loop := &node{}
		loop.Next = loop
		list := []any{nil}
		list[0] = list
		for name, md := range map[string]shard.Metadata{
			"transport": {Transport: strings.Repeat("x", 16<<10+1)},
			"principal": {Principal: strings.Repeat("x", 16<<10+1)},
			"string":    {ClientInfo: map[string]any{"a": strings.Repeat("x", 16<<10)}},
			"bytes":     {ClientInfo: map[string]any{"a": make([]byte, 16<<10)}},
			"key":       {ClientInfo: map[string]any{strings.Repeat("x", 16<<10): 1}},
			"values":    {ClientInfo: map[string]any{"a": make([]any, 1<<10)}},
			"numbers":   {ClientInfo: map[string]any{"a": make([]float64, 1<<11)}},
			"array":     {ClientInfo: map[string]any{"a": [16 << 10]byte{}}},
			"texts":     {ClientInfo: map[string]any{"a": [2]string{"", long}}},
			"struct":    {ClientInfo: map[string]any{"a": named{Name: long}}},
			"unseen":    {ClientInfo: map[string]any{"a": opaque{secret: long}}},
			"pointer":   {ClientInfo: map[string]any{"a": &named{Name: long}}},
			"to text":   {ClientInfo: map[string]any{"a": &long}},
			"to itself": {ClientInfo: map[string]any{"a": loop}},
			"in key":    {ClientInfo: map[string]any{"a": map[named]int{{Name: long}: 1}}},
			"itself":    {ClientInfo: itself},
			"list":      {ClientInfo: map[string]any{"a": list}},
		} {
			_, err := m.Create(md)
			wantErr(t, name, err, shard.ErrMetadataTooLarge)
		}
		exactly := shard.Metadata{Transport: "x", Principal: strings.Repeat("x", 16<<10-1)}
		s, err := m.Create(exactly)
		if err != nil {
			t.Fatalf("exactly 16 KiB: %v", err)
		}
		before := s.Info().LastActivity
		time.Sleep(time.Second)
		wantErr(t, "Update", s.Update(func(md *shard.Metadata) { md.Transport = "xx" }), shard.ErrMetadataTooLarge)
		if info := s.Info(); info.Transport != "x" || !info.LastActivity.Equal(before) {
			t.Errorf("a refused Update changed something")
		}
	})
}

func TestMetadataCountsInMemory(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Linger: time.Minute})
		s := create(t, m, "id")
		store(t, s, "a")
		before := m.Stats().Memory
		s.Update(func(md *shard.Metadata) { md.ClientInfo = map[string]any{"a": strings.Repeat("x", 10_000)} })
		if n := m.Stats().Memory - before; n < 10_000 || n > 10_500 {
			t.Errorf("10,000 bytes of metadata count %d", n)
		}
		s.Update(func(md *shard.Metadata) { md.ClientInfo = nil })
		if n := m.Stats().Memory; n != before {
			t.Errorf("%d bytes without metadata, %d at first", n, before)
		}
		s.Update(func(md *shard.Metadata) { md.Transport = "sse" })
		s.Terminate()
		sleep(time.Minute + tick)
		if n := m.Stats().Memory; n != 0 {
			t.Errorf("%d bytes without a session", n)
		}
	})
}

func TestConcurrentUpdatesLoseNothingOfEachOther(t *testing.T) {
	const goroutines, each = 8, 100
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	together(goroutines, func(g int) {
		for range each {
			err := s.Update(func(md *shard.Metadata) {
				if md.ClientInfo == nil {
					md.ClientInfo = map[string]any{}
				}
				n, _ := md.ClientInfo[fmt.Sprint(g)].(int)
				md.ClientInfo[fmt.Sprint(g)] = n + 1
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	for g := range goroutines {
		if n := s.Info().ClientInfo[fmt.Sprint(g)]; n != each {
			t.Errorf("%v updates of %d are left of goroutine %d", n, each, g)
		}
	}
}

func TestUpdateMayCallTheSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	err := s.Update(func(md *shard.Metadata) {
		md.Transport = "outer"
		store(t, s, "from inside")
		s.Touch()
		s.Info()
	})
	if md := s.Info().Metadata; err != nil || md.Transport != "outer" {
		t.Errorf("%+v, %v", md, err)
	}
	if err := s.Update(nil); err != nil {
		t.Errorf("nil: %v", err)
	}
	err = s.Update(func(md *shard.Metadata) { md.Transport = "too late"; s.Terminate() })
	wantErr(t, "an Update during which the session ends", err, shard.ErrNotFound)
	if s.Info().Transport != "outer" {
		t.Error("it changed something")
	}
}

func TestUpdateInsideUpdateIsRefusedAtOnce(t *testing.T) {
	m := newManager(t, shard.Config{})
	s, other := create(t, m, "id"), create(t, m, "other")
	calls := 0
	for _, target := range []*shard.Session{s, other} {
		err := s.Update(func(md *shard.Metadata) {
			calls++
			md.Transport = "outer"
			wantErr(t, target.ID(), target.Update(func(md *shard.Metadata) { md.Transport = "inner" }),
				shard.ErrNestedUpdate)
		})
		if err != nil {
			t.Errorf("the outer one: %v", err)
		}
	}
	if calls != 2 || s.Info().Transport != "outer" || other.Info().Transport != "" {
		t.Errorf("%d calls, %q and %q", calls, s.Info().Transport, other.Info().Transport)
	}
	if err := s.Update(func(md *shard.Metadata) { md.Transport = "afterwards" }); err != nil {
		t.Error(err)
	}
	started := make(chan error)
	s.Update(func(*shard.Metadata) {
		go func() { started <- other.Update(func(md *shard.Metadata) { md.Transport = "beside" }) }()
		if err := <-started; err != nil {
			t.Errorf("from another goroutine: %v", err)
		}
	})
}

func TestWrongPrincipalIsRefused(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{})
		for owner, others := range map[string][]string{
			"me": {"", "you", "m", "mee", "ME"},
			"":   {"me", " "},
		} {
			s, err := m.Create(shard.Metadata{Principal: owner})
			if err != nil {
				t.Fatal(err)
			}
			created := s.Info().LastActivity
			time.Sleep(time.Second)
			for _, other := range others {
				got, err := m.Authorize(s.ID(), other)
				wantErr(t, fmt.Sprintf("%q for a session of %q", other, owner), err, shard.ErrPrincipal)
				err = s.Update(func(md *shard.Metadata) { md.Principal = other; md.Transport = "changed" })
				wantErr(t, "Update", err, shard.ErrPrincipal)
				if info := s.Info(); got != nil || info.Principal != owner || info.Transport != "" ||
					!info.LastActivity.Equal(created) {
					t.Errorf("%+v, though refused", info)
				}
			}
			if got, err := m.Authorize(s.ID(), owner); got != s || !s.Info().LastActivity.Equal(time.Now()) {
				t.Errorf("the owner: %v", err)
			}
		}
	})
}
