package main

import (
	"io"
	"log"
)

// net/http writes what a server sends unasked, page text included, to the standard logger. Everything of ours is logged
// by slog.
func init() { log.SetOutput(io.Discard) }
