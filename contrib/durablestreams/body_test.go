package durablestreams

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzElementsAreThoseOfEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		"[]", " [ ]\n", "[1]", "[1,2 , 3]", `["a,b","]","\"","\\\\"]`, `[{"a":[1,{"b":"]}"}]},[[]],{}]`, "[null,true]", `["ü","\ud800"]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want []json.RawMessage
		if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '[' || json.Unmarshal(body, &want) != nil {
			return
		}
		got := elements(body)
		if len(got) != len(want) {
			t.Fatalf("%d elements of %q, want %d", len(got), body, len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("element %d of %q is %q, want %q", i, body, got[i], want[i])
			}
		}
	})
}
