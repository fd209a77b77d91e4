package main

import (
	"context"
	"strings"
	"time"
)

const text = `A connection is a promise that somebody keeps until they do not. The train goes into a tunnel, the laptop lid closes, a proxy is
restarted, and the words that were on their way are gone. What was said before is not lost if it was written down: whoever comes back says
which word was the last they heard, and is told the next one.`

// model stands in for a language model: it says its one text, whatever it is asked, a word in each
// pace.
func model(pace time.Duration) func(context.Context, string, func(string) error) error {
	return func(ctx context.Context, _ string, say func(token string) error) error {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for word := range strings.FieldsSeq(text) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := say(word + " "); err != nil {
				return err
			}
		}
		return nil
	}
}
