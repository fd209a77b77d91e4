package inspector

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
)

// handles name sessions in URLs. A handle is the session ID encrypted under keys that only this
// Handler has: it says nothing to whoever finds it in a log, needs no table, and is the same for
// the same session each time.
type handles struct {
	seal     cipher.AEAD
	nonceKey []byte
}

func newHandles() (*handles, error) {
	keys := make([]byte, 64)
	rand.Read(keys)
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	return &handles{seal, keys[32:]}, err
}

// nonce depends on the ID alone, so that no two IDs are ever encrypted under the same one, but for
// a collision of 96 random bits.
func (h *handles) nonce(id string) []byte {
	mac := hmac.New(sha256.New, h.nonceKey)
	mac.Write([]byte(id))
	return mac.Sum(nil)[:h.seal.NonceSize()]
}

func (h *handles) of(id string) string {
	nonce := h.nonce(id)
	return base64.RawURLEncoding.EncodeToString(h.seal.Seal(nonce, nonce, []byte(id), nil))
}

// id returns the session ID that a handle stands for, or false for anything that of has not made.
func (h *handles) id(handle string) (string, bool) {
	const longest = 300 // more than that of an ID of 128 bytes
	if len(handle) > longest {
		return "", false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil || len(sealed) < h.seal.NonceSize() {
		return "", false
	}
	nonce, sealed := sealed[:h.seal.NonceSize()], sealed[h.seal.NonceSize():]
	id, err := h.seal.Open(nil, nonce, sealed, nil)
	return string(id), err == nil
}

// asked returns the ID of the session that r names.
func (h *Handler) asked(r *http.Request) (string, error) {
	id, ok := h.handles.id(r.URL.Query().Get("s"))
	if !ok {
		return "", refuse(http.StatusNotFound, "no such session, or a link from before a restart")
	}
	return id, nil
}

// visible is as much of a session ID as may be seen: what is left must be too much to guess.
func visible(id string) string { return id[:min(8, len(id)/4)] }

func abbreviated(id string) string { return visible(id) + "…" }
