package dump

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/wardline/wardline/internal/risk"
)

// listed is an object that was listed, and the file that it is a part of, if it is one.
type listed struct {
	minio.ObjectInfo
	group *objectGroup
}

// later reports a part that is read with the first one.
func (l listed) later() bool { return l.group != nil && l.group.first != l.Key }

// objectGroup is a file that came in several objects.
type objectGroup struct {
	first   string // key of the first part that there is
	parts   []*minio.ObjectInfo
	missing string
}

// groups finds the parts among the objects whose keys begin with prefix, by the key of each. Only what may be one is
// remembered.
func (s *S3) groups(ctx context.Context, bucket, prefix string) (map[string]*objectGroup, error) {
	candidates := map[string]map[string]*minio.ObjectInfo{} // by folder and name
	err := s.list(ctx, bucket, prefix, func(info minio.ObjectInfo) error {
		folder, name := path.Split(info.Key)
		if partStem(name) == "" {
			return nil
		}
		if candidates[folder] == nil {
			candidates[folder] = map[string]*minio.ObjectInfo{}
		}
		candidates[folder][name] = &info
		return nil
	})
	if err != nil {
		return nil, err
	}
	groups := map[string]*objectGroup{}
	for folder, objects := range candidates {
		names := make([]string, 0, len(objects))
		for name := range objects {
			names = append(names, name)
		}
		for _, g := range groupParts(names) {
			if len(g.Parts) == 1 {
				continue
			}
			o := &objectGroup{first: folder + g.Name, missing: g.Missing}
			for _, name := range g.Parts {
				o.parts = append(o.parts, objects[name])
				if name != "" {
					groups[folder+name] = o
				}
			}
		}
	}
	return groups, nil
}

// partStem is what the names of all parts begin with; "" = the name cannot be that of a part.
func partStem(name string) string {
	if p := partOf(name); p.style != noPart {
		_, stem, _ := strings.Cut(p.key, ":")
		return stem
	}
	ext := path.Ext(name)
	if slices.Contains([]string{".zip", ".zipx", ".rar", ".exe"}, strings.ToLower(ext)) {
		return strings.TrimSuffix(name, ext)
	}
	return ""
}

// withGroup is one object with the others that lie beside it.
func (s *S3) withGroup(ctx context.Context, bucket string, info minio.ObjectInfo) (listed, error) {
	folder, name := path.Split(info.Key)
	stem := partStem(name)
	if stem == "" {
		return listed{ObjectInfo: info}, nil
	}
	groups, err := s.groups(ctx, bucket, folder+stem)
	return listed{info, groups[info.Key]}, err
}

// file is an object, or several that are one, as a dump file of a name. Its version is that of all parts.
func (l listed) file(name string) risk.File {
	if l.group == nil {
		return objectFile(name, l.ObjectInfo)
	}
	f := risk.File{Path: name}
	versions := sha256.New()
	for _, p := range l.group.parts {
		if p == nil {
			continue
		}
		one := objectFile(name, *p)
		f.Bytes += one.Bytes
		if one.Modified.After(f.Modified) {
			f.Modified = one.Modified
		}
		versions.Write([]byte(one.Version + "\n"))
	}
	f.Version = hex.EncodeToString(versions.Sum(nil)[:16])
	return f
}

// openObject opens an object, or several that are one.
func (w *walk) openObject(bucket string, l listed) (opened, error) {
	if l.group == nil {
		o := w.o.S3.open(w.ctx, bucket, l.ObjectInfo)
		return opened{content: o, Closer: o, size: l.Size}, nil
	}
	if l.group.missing != "" {
		w.skipFile(s3Scheme+bucket+"/"+l.Key, errors.New(l.group.missing+"; the rest was read as far as it goes"))
	}
	turn := &turn{}
	parts := make([]part, len(l.group.parts))
	for i, info := range l.group.parts {
		if info != nil {
			parts[i] = part{at: turnReader{turn, w.o.S3.open(w.ctx, bucket, *info)}, size: info.Size}
		}
	}
	j := join(parts)
	return opened{content: io.NewSectionReader(j, 0, j.size), Closer: turn, size: j.size, parts: j.starts}, nil
}

// turn keeps only so many of a file's objects open as are read in turns.
type turn struct{ open []*object }

type turnReader struct {
	*turn
	o *object
}

func (r turnReader) ReadAt(b []byte, off int64) (int, error) {
	const most = 2 // the directory at the end, and what it names
	if i := slices.Index(r.turn.open, r.o); i >= 0 {
		r.turn.open = slices.Delete(r.turn.open, i, i+1)
	}
	r.turn.open = append(r.turn.open, r.o)
	if len(r.turn.open) > most {
		r.turn.open[0].close()
		r.turn.open = slices.Delete(r.turn.open, 0, 1)
	}
	return r.o.ReadAt(b, off)
}

// Close ends the open requests.
func (t *turn) Close() error {
	for _, o := range t.open {
		o.close()
	}
	t.open = nil
	return nil
}
