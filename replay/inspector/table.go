package inspector

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// maxPage is how many rows of the table one answer has.
const maxPage = 200

// columns are what the table sorts by, ascending.
var columns = map[string]func(a, b *row) int{
	"session": func(a, b *row) int {
		return strings.Compare(visible(a.s.ID()), visible(b.s.ID()))
	},
	"principal": func(a, b *row) int { return strings.Compare(a.principal, b.principal) },
	"transport": func(a, b *row) int { return strings.Compare(a.transport, b.transport) },
	"status":    func(a, b *row) int { return cmp.Compare(a.status, b.status) },
	"health":    func(a, b *row) int { return cmp.Compare(gravity(a.problems), gravity(b.problems)) },
	"age":       func(a, b *row) int { return -cmp.Compare(a.created, b.created) },
	"idle":      func(a, b *row) int { return cmp.Compare(a.idle, b.idle) },
	"events":    func(a, b *row) int { return cmp.Compare(a.events, b.events) },
	"bytes":     func(a, b *row) int { return cmp.Compare(a.bytes, b.bytes) },
	"appended":  func(a, b *row) int { return cmp.Compare(a.appended, b.appended) },
	"rate":      func(a, b *row) int { return cmp.Compare(a.rate, b.rate) },
	"evicting":  func(a, b *row) int { return cmp.Compare(a.evicting, b.evicting) },
	"readers":   func(a, b *row) int { return cmp.Compare(a.readers, b.readers) },
	"lag": func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.danger, b.danger), cmp.Compare(a.lag, b.lag))
	},
}

// gravity orders sets of problems: the worst problem decides, then the next.
func gravity(p shard.Problems) (g int) {
	for i, one := range allProblems {
		if p&one != 0 {
			g |= 1 << (len(allProblems) - i)
		}
	}
	return g
}

// A query is what the table is asked for.
type query struct {
	text          string // in the visible part of the ID, the principal or the transport; lower case
	status        string
	health        string // "healthy", "unhealthy" or a problem
	compare       func(a, b *row) int
	descending    bool
	offset, limit int
}

func parseQuery(v url.Values) (q query, err error) {
	wrong := func(name string) error {
		return refuse(http.StatusBadRequest, "bad value for "+name)
	}
	number := func(name string, def, most int) int {
		text := v.Get(name)
		if text == "" {
			return def
		}
		n, e := strconv.Atoi(text)
		if e != nil || n < 0 || n > most {
			err = wrong(name)
		}
		return n
	}
	q.text, q.status, q.health = strings.ToLower(v.Get("q")), v.Get("status"), v.Get("health")
	q.offset, q.limit = number("offset", 0, maxRows), number("limit", 50, maxPage)
	q.descending = v.Get("dir") == "desc"
	if sort := v.Get("sort"); sort != "" {
		if q.compare = columns[sort]; q.compare == nil {
			err = wrong("sort")
		}
	}
	if len(q.text) > 100 {
		err = wrong("q")
	}
	if q.health != "" && !slices.Contains(healths(), q.health) {
		err = wrong("health")
	}
	return q, err
}

func healths() []string {
	all := []string{"healthy", "unhealthy"}
	for _, p := range allProblems {
		all = append(all, p.String())
	}
	return all
}

// matches never looks at what of an ID is not shown: whoever may ask could find it out, character
// by character.
func (q *query) matches(r *row) bool {
	if q.status != "" && r.status.String() != q.status {
		return false
	}
	switch q.health {
	case "":
	case "healthy":
		if r.problems != 0 {
			return false
		}
	case "unhealthy":
		if r.problems == 0 {
			return false
		}
	default:
		if !slices.Contains(problemNames(r.problems), q.health) {
			return false
		}
	}
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), q.text) }
	return q.text == "" || has(visible(r.s.ID())) || has(r.principal) || has(r.transport)
}

// of returns one page of what matches, and how much that is. Rows that compare equal are in the
// order of the census.
func (q *query) of(rows []row) (page []*row, matched int) {
	var found []int32
	for i := range rows {
		if q.matches(&rows[i]) {
			found = append(found, int32(i))
		}
	}
	if q.compare != nil {
		slices.SortFunc(found, func(i, j int32) int {
			a, b := &rows[i], &rows[j]
			if q.descending {
				a, b = b, a
			}
			return cmp.Or(q.compare(a, b), cmp.Compare(i, j))
		})
	}
	end := min(q.offset+q.limit, len(found))
	for _, i := range found[min(q.offset, end):end] {
		page = append(page, &rows[i])
	}
	return page, len(found)
}

// shownRow is a row on the wire.
type shownRow struct {
	Handle    string   `json:"handle"`
	ID        string   `json:"id"`
	Principal string   `json:"principal"`
	Transport string   `json:"transport"`
	Status    string   `json:"status"`
	Problems  []string `json:"problems"`
	Age       float64  `json:"age"`  // seconds
	Idle      float64  `json:"idle"` // seconds; 0 while anybody reads
	Events    int32    `json:"events"`
	Bytes     int64    `json:"bytes"`
	Appended  uint64   `json:"appended"`
	Rate      float32  `json:"rate"`
	Evicting  float32  `json:"evicting"`
	Readers   int32    `json:"readers"`
	Lag       uint64   `json:"lag"`
	Danger    float32  `json:"danger"`
	Fill      float32  `json:"fill"`
}

type shownTable struct {
	Total     int        `json:"total"`     // sessions looked at
	Matched   int        `json:"matched"`   // of these
	Truncated bool       `json:"truncated"` // there are more than were looked at
	Asked     int64      `json:"asked"`     // when they were looked at, Unix milliseconds
	Rows      []shownRow `json:"rows"`
}

func (h *Handler) serveTable(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	t, ok := h.table(r.Context(), &q)
	if !ok {
		return nil
	}
	return writeJSON(w, t)
}

// table is false when whoever asked has gone while others were served.
func (h *Handler) table(ctx context.Context, q *query) (shownTable, bool) {
	h.scan.Lock()
	defer h.scan.Unlock()
	if ctx.Err() != nil {
		return shownTable{}, false
	}
	c := h.census()
	page, matched := q.of(c.rows)
	t := shownTable{
		Total: len(c.rows), Matched: matched, Truncated: c.truncated,
		Asked: c.at.UnixMilli(), Rows: []shownRow{},
	}
	for _, r := range page {
		t.Rows = append(t.Rows, h.show(r, c.at.UnixNano()))
	}
	return t, true
}

func (h *Handler) show(r *row, now int64) shownRow {
	return shownRow{
		Handle: h.handles.of(r.s.ID()), ID: abbreviated(r.s.ID()),
		Principal: r.principal, Transport: r.transport,
		Status: r.status.String(), Problems: problemNames(r.problems),
		Age: max(0, time.Duration(now-r.created).Seconds()), Idle: r.idle.Seconds(),
		Events: r.events, Bytes: r.bytes, Appended: r.appended,
		Rate: r.rate, Evicting: r.evicting,
		Readers: r.readers, Lag: r.lag, Danger: r.danger, Fill: r.fill,
	}
}

func problemNames(p shard.Problems) []string {
	names := []string{}
	for _, one := range allProblems {
		if p&one != 0 {
			names = append(names, one.String())
		}
	}
	return names
}
