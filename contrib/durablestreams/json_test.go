package durablestreams

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func FuzzElementsAreThoseOfEncodingJSON(f *testing.F) {
	deep, deepEnd := strings.Repeat("[", maxDepth), strings.Repeat("]", maxDepth)
	deepObject, deepObjectEnd := strings.Repeat(`{"":`, maxDepth), strings.Repeat("}", maxDepth)
	for _, seed := range []string{
		"", " ", "[", "[]", " [ ]\n", "[1]", "[1,2 , 3]", "[1,]", "[,]", "[1 2]", "[1]]", "[1],", `["a,b","]","\"","\\\\"]`,
		`["\u00e4\x"]`,
		`["\u12g4"]`, `["\`, `["\u1`, "[\"\x00\"]", "[\"\xff\"]", `[{"a":[1,{"b":"]}"}]},[[]],{}]`, `{"a":1,}`, `{"a"}`, `{1:2}`, `{"a" : null }`, "[null,true,false]",
		"nul", "tru", "fals", "truth", "-", "-0", "01", "1.", "1.5", ".5",
		"1e", "1e+", "1E-7", "-1.5e+30", "+1", "\"\u00fc\"", "\v1", "\ufeff1",
		deep, deep + deepEnd, "[" + deep + deepEnd + "]",
		deepObject + "1" + deepObjectEnd, `{"":` + deepObject + "1" + deepObjectEnd + "}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := elements(nil, body)
		if ok != json.Valid(body) {
			t.Fatalf("%.200q is JSON: %t, encoding/json says %t", body, ok, !ok)
		}
		if !ok {
			return
		}
		var want []json.RawMessage
		if one := bytes.Trim(body, " \t\r\n"); one[0] != '[' {
			want = []json.RawMessage{one}
		} else if err := json.Unmarshal(body, &want); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d elements of %.200q, want %d", len(got), body, len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("element %d of %.200q is %.200q, want %.200q", i, body, got[i], want[i])
			}
		}
	})
}
