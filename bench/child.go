package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long a job may take: many times what any does on an idle machine.
const patience = 10 * time.Minute

// Child does a job in a process that begins with an empty heap and, when it ends, has given all
// memory back. The process is program, or this program for "", with two arguments, flag and the job
// as JSON; it writes the result to its standard output, as JSON too.
func Child[R any](ctx context.Context, program, flag string, job any) (result R, err error) {
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return result, err
		}
	}
	arg, err := json.Marshal(job)
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, program, flag, string(arg))
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return result, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return result, json.Unmarshal(out.Bytes(), &result)
}
