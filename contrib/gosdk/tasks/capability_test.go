package tasks

import (
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestOnlyTheRequestItselfDeclaresTheExtension(t *testing.T) {
	extension := map[string]any{"extensions": map[string]any{Name: map[string]any{}}}
	for name, c := range map[string]struct {
		version, capabilities any
		declares              bool
	}{
		"declared":             {"2026-07-28", extension, true},
		"by a later version":   {"2027-01-01", extension, true},
		"by an earlier one":    {"2025-11-25", extension, false},
		"without a version":    {nil, extension, false},
		"another extension":    {"2026-07-28", map[string]any{"extensions": map[string]any{"x": 1}}, false},
		"no capabilities":      {"2026-07-28", nil, false},
		"malformed":            {"2026-07-28", "extensions", false},
		"malformed extensions": {"2026-07-28", map[string]any{"extensions": []any{Name}}, false},
	} {
		p := &params{}
		p.Meta = mcp.Meta{mcp.MetaKeyProtocolVersion: c.version, mcp.MetaKeyClientCapabilities: c.capabilities}
		if got := declares(p); got != c.declares {
			t.Errorf("%s: %v", name, got)
		}
	}
}
