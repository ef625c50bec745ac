package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// journal is the file from which a scan that was ended goes on, with the output cut back to what belongs to that place.
// A nil journal is none.
type journal struct {
	path    string
	output  *os.File
	next    time.Time    // when it is to be saved again
	entry   journalEntry // what is noted; by who holds the run's lock
	from    journalEntry // from which the scan goes on; by who walks the arguments
	resumes bool         // that place has not been reached yet
	noted   bool         // entry says something: a scan that is ended before it wrote anything leaves no place
}

type journalEntry struct {
	Version  int           `json:"version"`
	Command  string        `json:"command"` // digest of what was asked for
	Argument int           `json:"argument"`
	Path     string        `json:"path"` // of the file at hand
	Bytes    int64         `json:"bytes"`
	Modified time.Time     `json:"modified"`
	Content  string        `json:"content"` // as an object store calls it
	Done     bool          `json:"done"`    // it was scanned to its end
	At       risk.Position `json:"at"`
	Began    scanState     `json:"began"` // when it was begun
	State    scanState     `json:"state"`
}

// openJournal opens the output of a scan, and goes on from a journal when there is one.
func openJournal(path, output, command string, state *scanState) (*journal, error) {
	j := &journal{path: path, entry: journalEntry{Version: 1, Command: command}}
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		var entry journalEntry
		if err := json.Unmarshal(text, &entry); err != nil || entry.Version != 1 {
			return nil, fmt.Errorf("read %s: it is no journal of a scan", path)
		}
		if entry.Command != command {
			return nil, fmt.Errorf("go on from %s: it belongs to a scan with another watchlist, other paths or other options", path)
		}
		j.entry, j.from, j.resumes, j.noted = entry, entry, true, true
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read journal: %w", plain(err))
	}
	if j.output, err = os.OpenFile(output, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("open output: %w", plain(err))
	}
	if info, err := j.output.Stat(); err == nil && info.Size() < j.entry.State.Output {
		return nil, errors.Join(fmt.Errorf("go on from %s: %s is shorter than it says", path, output), j.output.Close())
	}
	*state = j.entry.State
	if err := j.cutTo(state.Output); err != nil {
		return nil, errors.Join(err, j.output.Close())
	}
	return j, nil
}

func (j *journal) cutTo(size int64) error {
	if err := j.output.Truncate(size); err != nil {
		return fmt.Errorf("cut output back: %w", plain(err))
	}
	if _, err := j.output.Seek(size, io.SeekStart); err != nil {
		return fmt.Errorf("cut output back: %w", plain(err))
	}
	return nil
}

// reach says whether a file is to be scanned, and from where: files in front of the place were scanned before.
func (j *journal) reach(r *scanRun, s *scannedFile) (bool, error) {
	if j == nil || !j.resumes {
		return true, nil
	}
	e := j.from
	if s.argument < e.Argument || s.argument == e.Argument && s.Path != e.Path {
		return false, nil
	}
	j.resumes = false
	switch {
	case s.argument > e.Argument:
		return true, nil
	case e.Done:
		return false, nil
	case s.Bytes == e.Bytes && s.Modified.Equal(e.Modified) && s.Version == e.Content:
		s.from, s.at = e.At, e.At
		return true, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = e.Began // it is another by now
	return true, j.cutTo(r.state.Output)
}

// past reports an argument that was scanned to its end before.
func (j *journal) past(argument int) bool {
	return j != nil && j.resumes && (argument < j.from.Argument || argument == j.from.Argument && j.from.Path == "" && j.from.Done)
}

// missed is an error when an argument ended without the file from which the scan was to go on.
func (j *journal) missed(argument int) error {
	if j == nil || !j.resumes || j.from.Path == "" || argument != j.from.Argument {
		return nil
	}
	j.resumes = false
	return fmt.Errorf("go on from %s: %s is gone; what stands behind it in the same folder was not scanned", j.path, j.from.Path)
}

// note notes how far a file at the front is, and saves that now and then.
func (j *journal) note(r *scanRun, s *scannedFile, done bool) error {
	if j == nil {
		return nil
	}
	j.noted = true
	e := &j.entry
	if s.from.Document == 0 && s.from.Offset == 0 { // else it was begun in an earlier run
		e.Began = s.before(r)
	}
	e.Argument, e.Path, e.Bytes, e.Modified, e.Content = s.argument, s.Path, s.Bytes, s.Modified, s.Version
	e.Done, e.At, e.State = done, s.at, r.state
	if time.Now().Before(j.next) {
		return nil
	}
	return j.save(r)
}

// The place is saved often, since what was scanned behind it is scanned again after a kill, but no more than a small share
// of the time goes into that, however slow the disk is.
const (
	noteEvery = 100 * time.Millisecond
	noteShare = 20
)

// save replaces the journal as a whole, after what it speaks of is on the disk.
func (j *journal) save(r *scanRun) error {
	if j == nil || !j.noted {
		return nil
	}
	began := time.Now()
	defer func() { j.next = time.Now().Add(max(noteEvery, noteShare*time.Since(began))) }()
	text, err := json.Marshal(j.entry)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.output.Sync(); err != nil {
		return &outputError{err}
	}
	beside, err := os.CreateTemp(filepath.Dir(j.path), ".journal-*")
	if err != nil {
		return fmt.Errorf("write journal: %w", plain(err))
	}
	_, err = beside.Write(text)
	err = errors.Join(err, beside.Sync(), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), j.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write journal: %w", plain(err)), os.Remove(beside.Name()))
	}
	return nil
}

// close ends a scan that came to its end: there is nothing to go on from.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	if err := j.output.Close(); err != nil {
		return &outputError{err}
	}
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove journal: %w", plain(err))
	}
	return nil
}

// commandDigest tells scans apart that must not go on from each other's journals.
func commandDigest(o scanOptions, paths []string) (string, error) {
	list, err := os.ReadFile(o.watchlist)
	if err != nil {
		return "", fmt.Errorf("read watchlist: %w", plain(err))
	}
	h := sha256.New()
	h.Write(list)
	fmt.Fprintf(h, "%v %v %v %v %q", o.json, o.reveal, o.count, o.everyCopy, paths)
	return hex.EncodeToString(h.Sum(nil)), nil
}
