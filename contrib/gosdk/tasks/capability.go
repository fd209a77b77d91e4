package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/mcphttp"
)

// clientCapabilities are what a request says that its client can do.
type clientCapabilities struct {
	Elicitation *struct{}                  `json:"elicitation"`
	Sampling    *struct{}                  `json:"sampling"`
	Roots       *struct{}                  `json:"roots"`
	Extensions  map[string]json.RawMessage `json:"extensions"`
}

// capabilitiesOf reads what a request itself says, in its _meta. What a session's client has said
// earlier does not count.
func capabilitiesOf(params mcp.Params) (c clientCapabilities) {
	meta := params.GetMeta()
	if version, _ := meta[mcp.MetaKeyProtocolVersion].(string); version < mcphttp.Stateless {
		return c
	}
	data, err := json.Marshal(meta[mcp.MetaKeyClientCapabilities])
	if err != nil || json.Unmarshal(data, &c) != nil {
		return clientCapabilities{}
	}
	return c
}

// declares reports whether a request's client takes tasks.
func declares(params mcp.Params) bool {
	_, has := capabilitiesOf(params).Extensions[Name]
	return has
}

// The methods that a question stands for, and the capabilities that they take.
const (
	methodElicit = "elicitation/create"
	methodSample = "sampling/createMessage"
	methodRoots  = "roots/list"
)

// check returns an error if a question is one that the client does not take.
func (c clientCapabilities) check(method string) error {
	name, declared := "elicitation", c.Elicitation != nil
	switch method {
	case methodSample:
		name, declared = "sampling", c.Sampling != nil
	case methodRoots:
		name, declared = "roots", c.Roots != nil
	}
	if declared {
		return nil
	}
	return missingCapability(fmt.Sprintf(`{%q:{}}`, name), name)
}

// missing is the error for a client that has not declared an extension.
func missing(extension string) error {
	return missingCapability(fmt.Sprintf(`{"extensions":{%q:{}}}`, extension), extension)
}

func missingCapability(required, name string) error {
	return &jsonrpc.Error{
		Code:    mcp.CodeMissingRequiredClientCapabilities,
		Message: "Missing required client capability: " + name,
		Data:    json.RawMessage(`{"requiredCapabilities":` + required + `}`),
	}
}

// advertise adds the extension to what a server says of itself.
func advertise(result mcp.Result, err error) (mcp.Result, error) {
	if d, ok := result.(*mcp.DiscoverResult); ok && err == nil && d != nil && d.Capabilities != nil {
		d.Capabilities.AddExtension(Name, nil) // a copy, made for this answer
	}
	return result, err
}

type principalKey struct{}

// errUnmounted is what requests get that have come by HTTP, but past Extension.Handler.
var errUnmounted = errors.New("tasks: a request came by HTTP past Extension.Handler")

// principalOf tells in whose name a request comes: Extension.Handler has found it out. Where there
// is no HTTP, there is one client, and it is nobody in particular.
func principalOf(ctx context.Context, req mcp.Request) (string, error) {
	principal, known := ctx.Value(principalKey{}).(string)
	if extra := req.GetExtra(); !known && extra != nil && extra.Header != nil {
		return "", errUnmounted
	}
	return principal, nil
}
