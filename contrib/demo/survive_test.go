package main

import (
	"bytes"
	"regexp"
	"testing"
)

func TestAServerThatIsKilledGoesOnWhereItWas(t *testing.T) {
	cfg := defaults()
	cfg.durable = 200
	var out bytes.Buffer
	if err := survive(t.Context(), cfg, &screen{Writer: &out}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{`received +200 `, `kills +1 `, `lost +0\n`, `confirmed +\d+ `} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
}
