package dump

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/wardline/wardline/internal/risk"
)

const (
	maxHeld      = 4 << 20 // bytes of an archive's documents that wait for the system file of their log
	maxHeldCount = 4096    // of blocks
	maxRoots     = 64      // logs of an archive whose facts are remembered
	maxLevels    = 3       // folders between a log and a document in it
	maxMachine   = 32 << 10
	maxTried     = 64 // files of a folder that may be its system file
	maxKnown     = 10_000
)

// folderFact names the folder of the log among the facts of a Position, where reading goes on.
const folderFact = "folder"

// logs gives the documents of a stealer log the facts of their machine, which one of them, the system file, tells:
// those of an archive wait a while for it, those of a folder have it looked up beside and above them.
type logs struct {
	machine func(name string, text []byte) []risk.Fact
	ctx     context.Context
	s3      *S3
	root    string // no folder above it is looked at, but a file's own is
	visit   visitor

	folders map[string][]risk.Fact // of the file system
	roots   []logRoot              // of the present file, the latest last
	held    []risk.Block
	bytes   int    // in held
	passing string // a document that is too long to wait
	path    string // the present file
	beside  []risk.Fact
}

// logRoot is the folder of a log inside an archive, with what its system file says.
type logRoot struct {
	folder string
	facts  []risk.Fact
}

func newLogs(ctx context.Context, given string, o Options, visit visitor) *logs {
	root := o.Root
	if root == "" {
		root = given
	}
	return &logs{machine: o.Machine, ctx: ctx, s3: o.S3, root: root, visit: visit, folders: map[string][]risk.Fact{}}
}

// begin starts a file, whose documents up to from were read before.
func (l *logs) begin(file string, from risk.Position) {
	l.path, l.passing, l.roots = file, "", nil
	l.beside = l.besideFile(file)
	if len(from.Facts) > 0 && from.Facts[0].Name == folderFact {
		l.roots = append(l.roots, logRoot{from.Facts[0].Value, from.Facts[1:]})
	}
}

// withMachine reads one file of the walk, whose documents get the facts of their machines.
func (w *walk) withMachine(file string, read func() error) error {
	if w.logs == nil {
		return read()
	}
	w.logs.begin(file, w.o.From)
	if err := read(); err != nil {
		return err
	}
	return w.logs.end(w.skipped)
}

// take passes a block on with its facts, or keeps a copy until they are known or it has waited long enough. Blocks stay
// in order.
func (l *logs) take(b risk.Block, buf []byte, skipped []Skip) ([]byte, error) {
	if b.Place.Entry == "" {
		b.Facts = l.beside
		return l.pass(b, buf, skipped)
	}
	if b.Lead == 0 && b.Head == nil {
		if err := l.learn(b.Place.Entry, b.Data, skipped); err != nil {
			return buf, err
		}
	}
	b.Facts = l.factsOf(b.Place.Entry).facts
	if len(l.held) == 0 && (b.Facts != nil || l.passing == b.Place.Entry) {
		return l.pass(b, buf, skipped)
	}
	b.Data = bytes.Clone(b.Data)
	l.held = append(l.held, b)
	if l.bytes += len(b.Data); l.bytes <= maxHeld && len(l.held) < maxHeldCount {
		return buf, nil
	}
	l.passing = b.Place.Entry
	return buf, l.release(len(l.held), skipped)
}

// learn looks whether a document is a system file. If so, what waits in its log has its facts, and what waits in front
// of that waits for nothing any more.
func (l *logs) learn(entry string, text []byte, skipped []Skip) error {
	facts := l.machine(entry, text[:min(len(text), maxMachine)])
	if len(facts) == 0 {
		return nil
	}
	if len(l.roots) == maxRoots {
		l.roots = append(l.roots[:0], l.roots[1:]...)
	}
	root := logRoot{path.Dir(entry), facts}
	l.roots = append(l.roots, root)
	last := 0
	for i, b := range l.held {
		if b.Facts == nil && root.holds(b.Place.Entry) {
			l.held[i].Facts = facts
		}
		if l.held[i].Facts != nil {
			last = i + 1
		}
	}
	return l.release(last, skipped)
}

// release passes the first n of the held blocks on.
func (l *logs) release(n int, skipped []Skip) error {
	for i := range n {
		b := l.held[i]
		l.held[i] = risk.Block{}
		l.bytes -= len(b.Data)
		if _, err := l.pass(b, b.Data[:len(b.Data):len(b.Data)], skipped); err != nil {
			l.held, l.bytes = nil, 0
			return err
		}
	}
	l.held = append(l.held[:0], l.held[n:]...)
	return nil
}

// end passes on what still waits at the end of a file.
func (l *logs) end(skipped []Skip) error { return l.release(len(l.held), skipped) }

func (l *logs) pass(b risk.Block, buf []byte, skipped []Skip) ([]byte, error) {
	if root := l.factsOf(b.Place.Entry); root.facts != nil {
		b.At.Facts = append([]risk.Fact{{Name: folderFact, Value: root.folder}}, root.facts...)
	}
	return l.visit(b, buf, skipped)
}

// factsOf is the innermost log that a document belongs to.
func (l *logs) factsOf(entry string) (found logRoot) {
	for _, root := range l.roots {
		if root.holds(entry) && (found.facts == nil || len(root.folder) > len(found.folder)) {
			found = root
		}
	}
	return found
}

func (r logRoot) holds(entry string) bool {
	folder := path.Dir(entry)
	if r.folder != "." {
		if folder != r.folder && !strings.HasPrefix(folder, r.folder+"/") {
			return false
		}
		folder = strings.TrimPrefix(folder[len(r.folder):], "/")
	}
	return folder == "" || folder == "." || strings.Count(folder, "/") < maxLevels
}

// besideFile looks a file's system file up in its folder and those above it, as far as a log reaches.
func (l *logs) besideFile(file string) []risk.Fact {
	folder := folderOf(file)
	for range maxLevels + 1 {
		facts, known := l.folders[folder]
		if !known {
			if len(l.folders) >= maxKnown {
				clear(l.folders)
			}
			facts = l.lookIn(folder)
			l.folders[folder] = facts
		}
		up := folderOf(folder)
		if facts != nil || up == folder || !isBelow(l.root, up) {
			return facts
		}
		folder = up
	}
	return nil
}

// folderOf is the folder of a file or of a folder, on the disk or in a store.
func folderOf(file string) string {
	if !IsS3(file) {
		return filepath.Dir(file)
	}
	if i := strings.LastIndexByte(file, '/'); i > len(s3Scheme) {
		return file[:i]
	}
	return file
}

// isBelow reports a folder that is root or lies in it.
func isBelow(root, folder string) bool {
	if IsS3(root) {
		root = strings.TrimSuffix(root, "/")
		return folder == root || strings.HasPrefix(folder, root+"/")
	}
	inside, err := filepath.Rel(root, folder)
	return err == nil && filepath.IsLocal(inside)
}

// lookIn tries the small files of a folder. One that cannot be read here is named where it is read.
func (l *logs) lookIn(folder string) []risk.Fact {
	if IsS3(folder) {
		return l.lookInStore(folder)
	}
	f, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer f.Close()
	const most = 1000
	entries, _ := f.ReadDir(most)
	tried := 0
	for _, d := range entries {
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > 2*maxMachine {
			continue
		}
		name := filepath.Join(folder, d.Name())
		if facts := l.machine(filepath.ToSlash(name), readSmall(name, d)); facts != nil {
			return facts
		}
		if tried++; tried == maxTried {
			break
		}
	}
	return nil
}

func readSmall(name string, d fs.DirEntry) []byte {
	info, err := d.Info()
	if err != nil {
		return nil
	}
	f, err := openRegular(name, info)
	if err != nil {
		return nil
	}
	defer f.Close()
	return machineText(f)
}

// machineText is the text that a system file may be told by.
func machineText(r io.Reader) []byte {
	head := make([]byte, sniffBytes)
	n, _ := io.ReadFull(r, head)
	if sniff(head[:n]) != plain {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(newTextReader(head[:n], r), maxMachine))
	return text
}

// errEnough ends a listing.
var errEnough = errors.New("enough was listed")

// lookInStore tries the small objects of a folder, as far as each costs a request no more of them than may be tried.
func (l *logs) lookInStore(folder string) (facts []risk.Fact) {
	bucket, prefix, err := splitS3(folder + "/")
	if err != nil || l.s3 == nil {
		return nil
	}
	tried := 0
	_ = l.s3.listFolder(l.ctx, bucket, prefix, func(info minio.ObjectInfo) error {
		if info.Size == 0 || info.Size > 2*maxMachine || !mayBeText(info.Key) {
			return nil
		}
		o := l.s3.open(l.ctx, bucket, info)
		defer o.Close()
		if facts = l.machine(s3Scheme+bucket+"/"+info.Key, machineText(o)); facts != nil {
			return errEnough
		}
		if tried++; tried == maxTried {
			return errEnough
		}
		return nil
	})
	return facts
}

// mayBeText leaves out what by its name is no text, since each try costs a request.
func mayBeText(key string) bool {
	switch strings.ToLower(path.Ext(key)) {
	case ".txt", ".log", ".json", ".ini", ".csv", "":
		return true
	}
	return false
}
