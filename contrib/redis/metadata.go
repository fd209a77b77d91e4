package redis

import (
	"encoding/json"
	"fmt"

	"github.com/reprise-go/reprise/shard"
)

// wireMetadata is how metadata is stored, but for the principal, which has a field of its own.
type wireMetadata struct {
	Transport  string         `json:"transport,omitempty"`
	ClientInfo map[string]any `json:"clientInfo"`
}

// encodeMetadata returns md as JSON: what ClientInfo holds comes back as encoding/json decodes it,
// numbers as float64.
func encodeMetadata(md shard.Metadata) (string, error) {
	if err := md.Validate(); err != nil {
		return "", err
	}
	b, err := json.Marshal(wireMetadata{md.Transport, md.ClientInfo})
	if err != nil {
		return "", fmt.Errorf("%w: ClientInfo: %w", shard.ErrInvalidMetadata, err)
	}
	if n := len(b) + len(md.Principal); n > shard.MaxMetadataBytes {
		return "", fmt.Errorf("%w: %d bytes as JSON, at most %d", shard.ErrMetadataTooLarge, n, shard.MaxMetadataBytes)
	}
	return string(b), nil
}

func decodeMetadata(stored string) (md shard.Metadata, err error) {
	var w wireMetadata
	if err := json.Unmarshal([]byte(stored), &w); err != nil {
		return md, fmt.Errorf("%w: metadata: %w", ErrUnavailable, err)
	}
	return shard.Metadata{Transport: w.Transport, ClientInfo: w.ClientInfo}, nil
}
