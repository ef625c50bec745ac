//go:build real

package main

import (
	"testing"

	"github.com/wardline/wardline/internal/testparts"
)

func TestRealStoriesOnPostgreSQL(t *testing.T) {
	eachStory(t, func(t *testing.T) string { return testparts.Postgres(t) })
}
