package verdict

import (
	"slices"
	"strings"
	"testing"
)

// Reprise's column of the table, with IDs that it assigns and with IDs that the producers bring.
func TestReprisePassesEveryCase(t *testing.T) {
	own := reprise
	own.Name = "Reprise, own IDs"
	own.Open = func(l Limits) (Store, error) {
		l.OwnIDs = true
		return openReprise(l)
	}
	for _, s := range []Subject{reprise, own} {
		for _, c := range Cases() {
			if c.Name == timeToLive && s.Name != reprise.Name {
				continue // it takes long, and has nothing to do with IDs
			}
			t.Run(s.Name+"/"+c.Name, func(t *testing.T) {
				if o := Try(c, s); !o.Passed {
					t.Errorf("%s%s, want: %s", o.Failure, o.Lacks, c.Wants)
				}
			})
		}
	}
}

// A case that nothing fails says nothing.
func TestEveryCaseFailsASloppyStore(t *testing.T) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			s := Subject{
				Name: "sloppy",
				Open: func(l Limits) (Store, error) { return newSloppy(l, c.Name == slowReader), nil },
			}
			if o := Try(c, s); o.Passed || o.Failure == "" || strings.HasPrefix(o.Failure, "panics") {
				t.Errorf("passed: %v, %q", o.Passed, o.Failure)
			} else {
				t.Log(o.Failure)
			}
		})
	}
}

func TestEveryReasonIsAboutACase(t *testing.T) {
	var names []string
	for _, c := range Cases() {
		names = append(names, c.Name)
		if c.Wants == "" || c.Source == "" {
			t.Errorf("%q wants %q, and %q asks for it", c.Name, c.Wants, c.Source)
		}
	}
	for _, s := range Subjects() {
		for _, reasons := range []map[string]string{s.Lacks, s.Says} {
			for name, reason := range reasons {
				if !slices.Contains(names, name) || reason == "" {
					t.Errorf("%s: %q for the case %q", s.Name, reason, name)
				}
			}
		}
		if len(s.Lacks) > 0 && s.Name == reprise.Name {
			t.Error("every case applies to Reprise")
		}
	}
}

func TestCaseThatDoesNotApplyIsNotTried(t *testing.T) {
	c := Case{Name: "x", Check: func(Subject) error { panic("tried") }}
	if o := Try(c, Subject{Lacks: map[string]string{"x": "why"}}); o.Passed || o.Lacks != "why" || o.Failure != "" {
		t.Errorf("%+v", o)
	}
	if o := Try(c, Subject{Says: map[string]string{"x": "so it is"}}); o.Failure != `panics: tried (documented: "so it is")` {
		t.Errorf("%+v", o)
	}
}

func TestTableHasARowForEachCaseAndALineForEachFailure(t *testing.T) {
	cases := []Case{{Name: "first", Wants: "this", Source: "that"}, {Name: "second"}}
	subjects := []Subject{{Name: "A", Used: "alone"}, {Name: "B"}}
	got := Table(cases, subjects, []Outcome{
		{Case: "first", Subject: "A", Passed: true}, {Case: "first", Subject: "B", Failure: "it lost one"},
		{Case: "second", Subject: "A", Passed: true}, {Case: "second", Subject: "B", Lacks: "no notion of it"},
	})
	for _, want := range []string{
		"| case   | A   | B      |\n|--------|-----|--------|\n| first  | yes | **no** |\n| second | yes | –      |\n",
		"- first: this (that)\n", "- A: alone\n", "What failed:\n\n- B, first: it lost one\n", "What does not " +
			"apply:\n\n- B, second: no notion of it\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
