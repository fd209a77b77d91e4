package main

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk/tasks"
)

// addConformanceTools adds what the tasks scenarios of the conformance suite call.
func addConformanceTools(server *mcp.Server) {
	optional, required := tasks.Options{}, tasks.Options{Required: true}
	mcp.AddTool(server, &mcp.Tool{Name: "greet"}, greet)
	mcp.AddTool(server, &mcp.Tool{Name: "slow_compute"}, tasks.Tool(slowCompute, optional))
	mcp.AddTool(server, &mcp.Tool{Name: "failing_job"}, tasks.Tool(failingJob, required))
	mcp.AddTool(server, &mcp.Tool{Name: "protocol_error_job"}, tasks.Tool(protocolErrorJob, optional))
	mcp.AddTool(server, &mcp.Tool{Name: "confirm_delete"}, tasks.Tool(confirmDelete, optional))
	mcp.AddTool(server, &mcp.Tool{Name: "multi_input"}, tasks.Tool(multiInput, optional))
	mcp.AddTool(server, &mcp.Tool{Name: "test_tool_with_task"}, askThenBegin)
}

type named struct {
	Name string `json:"name"`
}

func greet(_ context.Context, _ *mcp.CallToolRequest, in named) (*mcp.CallToolResult, any, error) {
	return text("Hello, %s!", in.Name), nil, nil
}

type computation struct {
	Seconds float64 `json:"seconds"`
	Label   string  `json:"label,omitempty"`
}

func slowCompute(ctx context.Context, _ *mcp.CallToolRequest, in computation) (*mcp.CallToolResult, any, error) {
	if err := pause(ctx, in.Seconds); err != nil {
		return nil, nil, err
	}
	return text("computed %q in %v s", in.Label, in.Seconds), nil, nil
}

func failingJob(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
	if err := pause(ctx, 1); err != nil {
		return nil, nil, err
	}
	return nil, nil, errors.New("the job has failed, as it always does")
}

func protocolErrorJob(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
	return nil, nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "the job has failed to run"}
}

type file struct {
	Filename string `json:"filename"`
}

// confirmDelete asks from within a task.
func confirmDelete(ctx context.Context, _ *mcp.CallToolRequest, in file) (*mcp.CallToolResult, any, error) {
	answers, err := tasks.FromContext(ctx).Input(ctx, mcp.InputRequestMap{
		"confirm": question("Delete "+in.Filename+"?", "confirm", "boolean"),
	})
	if err != nil {
		return nil, nil, err
	}
	answer := answers["confirm"].(*mcp.ElicitResult)
	return text("%s: %s, %v", in.Filename, answer.Action, answer.Content["confirm"]), nil, nil
}

// multiInput asks in its result, as a tool does that knows of no tasks. Within a task it is called
// again when all answers are there.
func multiInput(_ context.Context, req *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
	if len(req.Params.InputResponses) < 2 {
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{
			"first":  question("The first name?", "name", "string"),
			"second": question("The second name?", "name", "string"),
		}}, nil, nil
	}
	return text("both are answered"), nil, nil
}

// askThenBegin asks before there is a task, and begins it with the answer.
func askThenBegin(ctx context.Context, req *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
	answer, ok := req.Params.InputResponses["user_name"].(*mcp.ElicitResult)
	if !ok {
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{
			"user_name": question("What is your name?", "name", "string"),
		}}, nil, nil
	}
	if _, err := tasks.Begin(ctx, tasks.Options{Required: true}); err != nil {
		return nil, nil, err
	}
	if err := pause(ctx, 0.1); err != nil {
		return nil, nil, err
	}
	return text("Hello, %v!", answer.Content["name"]), nil, nil
}

func question(message, field, kind string) *mcp.ElicitParams {
	return &mcp.ElicitParams{Message: message, RequestedSchema: map[string]any{
		"type":       "object",
		"properties": map[string]any{field: map[string]any{"type": kind}},
		"required":   []string{field},
	}}
}
