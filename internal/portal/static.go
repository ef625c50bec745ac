package portal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

type staticFile struct {
	body    []byte
	version string
	kind    string
}

// staticFiles are the files below web/static, by their path there.
type staticFiles map[string]staticFile

func loadStatic(files fs.FS) (staticFiles, error) {
	out := staticFiles{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		out[strings.TrimPrefix(name, "static/")] = staticFile{body: body, version: hex.EncodeToString(sum[:6]), kind: contentType(name)}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load static files: %w", err)
	}
	return out, nil
}

// contentType does not ask the machine's own table first: that differs from machine to machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// address is a file's address with its content's digest in it, so that browsers may keep it for ever.
func (s staticFiles) address(name string) (string, error) {
	f, ok := s[name]
	if !ok {
		return "", fmt.Errorf("static file %q does not exist", name)
	}
	return "/static/" + name + "?v=" + f.version, nil
}

func (p *portal) staticFile(c *gin.Context) error {
	f, ok := p.static[strings.TrimPrefix(c.Param("name"), "/")]
	if !ok {
		return risk.ErrNotFound
	}
	cache := "no-cache"
	if c.Query("v") == f.version {
		cache = "public, max-age=31536000, immutable"
	}
	c.Header("Cache-Control", cache)
	c.Header("ETag", `"`+f.version+`"`)
	if c.GetHeader("If-None-Match") == `"`+f.version+`"` {
		c.Status(http.StatusNotModified)
		return nil
	}
	c.Data(http.StatusOK, f.kind, f.body)
	return nil
}
