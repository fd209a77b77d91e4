package main

import (
	"context"
	"fmt"
	"time"
)

// serve keeps the MCP server up until ctx ends.
func serve(ctx context.Context, cfg config, out *screen) error {
	b, err := newBackend(cfg.addr, time.Second, true)
	if err != nil {
		return fmt.Errorf("-addr is %q: %w", cfg.addr, err)
	}
	b.onResume = func(session, lastEventID string) {
		fmt.Fprintf(
			out,
			"%s  session %.8s… resumes after event %.64q\n",
			time.Now().Format(time.TimeOnly),
			session,
			lastEventID,
		)
	}
	url := "http://" + b.addr + path
	fmt.Fprintf(out, `
%s

   Point an MCP client at it (Streamable HTTP), for instance

      claude mcp add --transport http reprise %s
      npx @modelcontextprotocol/inspector

   and call its tool "stream", with count and interval_ms. Cut the connection meanwhile, by
   whatever means: the client comes back and goes on where it was. Each resumption is shown here.

%s
   Ctrl-C ends it.

`, out.paint(bold, "MCP server on "+url), url, sights(b, out))
	select {
	case <-ctx.Done():
	case err := <-b.served:
		b.served <- err
	}
	err = b.close()
	fmt.Fprintln(out, "\nstopped")
	return err
}

// sights tells what there is to see in a browser.
func sights(b *backend, out *screen) string {
	if b.site == nil {
		return "   The pages that show the sessions have no authentication: they are served on loopback addresses " +
			"only.\n"
	}
	home := "http://" + b.addr
	return fmt.Sprintf(`%s
   a stream of words in your browser, with a button that cuts its connection

%s
   what all sessions do, live
`, out.paint(bold, "Demo on "+home+"/"), out.paint(bold, "Inspector on "+home+inspectorPath))
}
