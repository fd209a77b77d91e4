package pebble

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// A client is an EventSource: it comes back with the last ID, and keeps what it got.
type client struct {
	url  string
	last string
	mu   sync.Mutex
	got  []string // ID and data of events
	cuts int
}

// run reads until ctx ends.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.read(ctx)
		c.cuts++
	}
}

func (c *client) read(ctx context.Context) {
	request, _ := http.NewRequestWithContext(ctx, "GET", c.url, http.NoBody)
	if c.last != "" {
		request.Header.Set("Last-Event-ID", c.last)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	id, data := "", ""
	for r := bufio.NewReader(response.Body); response.StatusCode == 200; {
		line, err := r.ReadString('\n')
		if err != nil {
			return // an event without its blank line does not count
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "":
			if c.last = id; data != "" {
				c.mu.Lock()
				c.got = append(c.got, id+" "+data)
				c.mu.Unlock()
			}
			data = ""
		}
	}
	c.mu.Lock()
	c.got = append(c.got, fmt.Sprint("status ", response.StatusCode))
	c.mu.Unlock()
}

func (c *client) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got)
}
