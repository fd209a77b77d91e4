package inspector

import (
	"bytes"
	"embed"
	"net/http"
	"time"
)

//go:embed assets
var assets embed.FS

// serveAsset serves a page, or what one is made of. There is no time of modification to go by, and
// no version: it is always sent.
func serveAsset(w http.ResponseWriter, r *http.Request, name string) error {
	switch name {
	case "":
		name = "overview.html"
	case "session":
		name = "session.html"
	}
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return refuse(http.StatusNotFound, "not found")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	return nil
}
