//go:build !unix

package main

import (
	"errors"
	"os"
)

func mapFile(*os.File) ([]byte, error) { return nil, errors.ErrUnsupported }
