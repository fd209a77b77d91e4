package jsonrpc

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseTellsRequestsNotificationsAndResponsesApart(t *testing.T) {
	for body, want := range map[string][]Message{
		`{"jsonrpc":"2.0","id":1,"method":"a","params":{}}`: {{Method: "a", ID: json.RawMessage("1"),
			Params: json.RawMessage("{}")}},
		` {"method":"a"}`:                    {{Method: "a"}},
		`{"id":"x","result":{}}`:             {{ID: json.RawMessage(`"x"`)}},
		`{"id":null,"method":"a"}`:           {{Method: "a"}},
		`{"method":"a","METHOD":"b","id":1}`: {{Method: "a", ID: json.RawMessage("1")}},
		`{"method":"a","method":"b"}`:        {{Method: "b"}},
		`{"method":"\u0061"}`:                {{Method: "a"}},
		"\n[{\"method\":\"a\"},{\"id\":1}]":  {{Method: "a"}, {ID: json.RawMessage("1")}},
		`[]`:                                 {},
		``:                                   nil,
		`null`:                               nil,
		`{"method":1}`:                       nil,
		`[1]`:                                nil,
		`{"method":"a"} trailing`:            nil,
		`[{"method":"a"}`:                    nil,
	} {
		got, ok := Parse([]byte(body))
		if ok != (want != nil) {
			t.Errorf("Parse(%q): %v", body, ok)
		}
		if !ok {
			continue
		}
		same := len(got) == len(want)
		for i := range want {
			same = same && got[i].Method == want[i].Method && string(got[i].ID) == string(want[i].ID) &&
				string(got[i].Params) == string(want[i].Params) && (got[i].ID == nil) == (want[i].ID == nil)
		}
		if !same {
			t.Errorf("Parse(%q) = %+v, want %+v", body, got, want)
		}
	}
}

func TestEqualIDsHaveEqualKeysAndOthersHaveNot(t *testing.T) {
	classes := [][]string{
		{
			`1`,
			`1.0`,
			`1e0`,
		}, {`"1"`, `"\u0031"`}, {`9007199254740993`}, {`9007199254740992`}, {`1.5`}, {`"1.5"`}, {`-0`, `0`},
	}
	seen := map[string]int{}
	for i, class := range classes {
		for _, id := range class {
			key := Key(json.RawMessage(id))
			if j, known := seen[key]; known && j != i {
				t.Errorf("%s has the key of %v: %q", id, classes[j], key)
			}
			seen[key] = i
			if first := Key(json.RawMessage(class[0])); key != first {
				t.Errorf("%s has the key %q, %s has %q", id, key, class[0], first)
			}
		}
	}
}

func TestALostAnswerIsAnErrorForItsRequest(t *testing.T) {
	for _, id := range []string{`7`, `"seven"`} {
		var got struct {
			ID    json.RawMessage
			Error struct {
				Code    int
				Message string
			}
		}
		data := Lost([]byte(`{"jsonrpc":"2.0","id":`+id+`,"result":{"method":"not one"}}`), "too large")
		if err := json.Unmarshal(data, &got); err != nil || string(got.ID) != id || got.Error.Code != InternalError ||
			!strings.Contains(got.Error.Message, "too large") {
			t.Errorf("%s: %s, %v", id, data, err)
		}
	}
}

func TestWhateverElseIsLostIsALogMessage(t *testing.T) {
	for _, message := range []string{
		`{"method":"notifications/progress"}`, `{"method":"sampling/createMessage","id":1}`, `no JSON`, `{}`,
		`{"method":"` + strings.Repeat("x", 1000) + `"}`, `{"id":"` + strings.Repeat("x", MaxID) + `","result":1}`,
	} {
		data := Lost([]byte(message), "too large")
		m, ok := Parse(data)
		if !ok || m[0].Method != "notifications/message" || m[0].ID != nil || len(data) > 500 {
			t.Errorf("%.40s: %s", message, data)
		}
	}
	if data := Lost(nil, "too large"); data != nil {
		t.Errorf("nothing: %s", data)
	}
}

func TestAnErrorHasAnIDOrNull(t *testing.T) {
	for id, want := range map[string]string{`1`: `1`, ``: `null`, `{`: `null`,
		`"` + strings.Repeat("x", MaxID) + `"`: `null`} {
		var got struct{ ID json.RawMessage }
		if err := json.Unmarshal(Error(json.RawMessage(id), InvalidRequest, "no"), &got); err != nil ||
			string(got.ID) != want {
			t.Errorf("%.10s: %s, %v", id, got.ID, err)
		}
	}
}
