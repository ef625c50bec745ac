package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/wardline/wardline/internal/config"
	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/hunt"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

// traces adapts packages hunt and dump to what the pipeline asks for.
type traces struct {
	folder string
	dumps  dumps
}

// newTraces keeps the block indexes of dumps beside the data, never among the dumps.
func newTraces(s config.Settings, d dumps) traces {
	return traces{folder: filepath.Join(s.Data, "index"), dumps: d}
}

func dumpOf(src risk.Source, f risk.File) hunt.Dump {
	return hunt.Dump{Source: src.Key, Folder: src.Address, Path: f.Path, Bytes: f.Bytes, Modified: f.Modified.UTC().Truncate(time.Microsecond),
		Version: f.Version, Keys: match.KeyVersion}
}

func (t traces) Begin(src risk.Source, f risk.File) (pipeline.Trace, error) {
	return hunt.Create(t.folder, dumpOf(src, f), f.At)
}

func (t traces) Ask(src risk.Source, f risk.File, asked []risk.Clues, visit func(risk.Stretch, []int) error) error {
	index, err := hunt.Open(t.folder, dumpOf(src, f))
	if err == nil {
		err = errors.Join(index.Search(asked, visit), index.Close())
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, hunt.ErrDamaged) {
		return fmt.Errorf("%w: %w", risk.ErrNotFound, err)
	}
	return err
}

func (t traces) Reread(ctx context.Context, src risk.Source, f risk.File, stretches []risk.Stretch, visit func(risk.Block) error, done func(int)) error {
	index, err := hunt.Open(t.folder, dumpOf(src, f))
	if err != nil {
		return err
	}
	plain := index.Plain()
	if err := index.Close(); err != nil {
		return err
	}
	return hunt.Reread(stretches, plain, func(from risk.Position, visit func(risk.Block) error) error {
		o, err := t.dumps.reading(src.Address, from)
		if err != nil {
			return err
		}
		_, err = dump.Blocks(ctx, dump.Join(src.Address, f.Path), o, visit)
		return err
	}, visit, done)
}

// holds reports that a dump is still there as it was read.
func (t traces) holds(ctx context.Context, src risk.Source, f risk.File) (bool, error) {
	there, found, err := t.dumps.File(ctx, src.Address, f.Path)
	return found && there.Bytes == f.Bytes && there.Modified.Equal(f.Modified) && there.Version == f.Version, err
}
