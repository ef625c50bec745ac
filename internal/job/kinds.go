package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/wardline/wardline/internal/risk"
)

// limits are how long a job of each kind may take.
var limits = map[risk.JobKind]time.Duration{
	risk.JobCollect:  10 * time.Minute,
	risk.JobScanFile: 6 * time.Hour,
	risk.JobRescore:  10 * time.Minute, // of all suppliers
	risk.JobSendMail: 5 * time.Minute,  // of all that are due; one takes a minute at most
	risk.JobDecide:   10 * time.Minute,
	risk.JobHunt:     6 * time.Hour, // through all dumps
}

// unfinished are the states in which a job still stands in the way of another like it.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

var once = river.UniqueOpts{ByArgs: true, ByState: unfinished}

// The arguments of each kind are what makes one job different from another, and nothing else.
type (
	collectArgs  struct{ Source string }
	scanFileArgs struct {
		Source string
		Path   []byte // a file's name is bytes; JSON would change those that are no UTF-8
	}
	rescoreArgs  struct{ Supplier int64 }
	sendMailArgs struct{ Message int64 }
	decideArgs   struct{}
	huntArgs     struct{}
)

func (collectArgs) Kind() string  { return string(risk.JobCollect) }
func (scanFileArgs) Kind() string { return string(risk.JobScanFile) }
func (rescoreArgs) Kind() string  { return string(risk.JobRescore) }
func (sendMailArgs) Kind() string { return string(risk.JobSendMail) }
func (decideArgs) Kind() string   { return string(risk.JobDecide) }
func (huntArgs) Kind() string     { return string(risk.JobHunt) }

// lastPriority is the lowest that River knows.
const lastPriority = 4

// insertion says how a job goes into the queue.
func insertion(j risk.Job) (river.JobArgs, *river.InsertOpts, error) {
	opts := &river.InsertOpts{Queue: QueueWork, ScheduledAt: j.At}
	switch j.Kind {
	case risk.JobCollect:
		// Few attempts: a job that waits to be tried again would keep the schedule's next one out.
		opts.Queue, opts.UniqueOpts, opts.MaxAttempts = QueueCollect, once, 3
		return collectArgs{j.SourceKey}, opts, nil
	case risk.JobScanFile:
		// Few attempts here too: the folder is listed again and again, and brings back what was not read.
		opts.Queue, opts.UniqueOpts, opts.MaxAttempts = queueScan, once, 3
		if j.Low {
			opts.Priority = lastPriority
		}
		return scanFileArgs{j.SourceKey, []byte(j.Path)}, opts, nil
	case risk.JobRescore:
		// Never left out: the one that runs now may have read before the change that asks for this one.
		return rescoreArgs{j.SupplierID}, opts, nil
	case risk.JobSendMail:
		if j.MessageID != 0 {
			opts.UniqueOpts = once
		} else {
			opts.MaxAttempts = 1 // the schedule brings the next sweep
		}
		return sendMailArgs{j.MessageID}, opts, nil
	case risk.JobDecide:
		opts.UniqueOpts, opts.MaxAttempts = once, 1 // the schedule brings the next
		return decideArgs{}, opts, nil
	case risk.JobHunt:
		// The one that runs looks for changes before it ends, and the next listing of the dumps brings what it missed.
		opts.Queue, opts.UniqueOpts, opts.MaxAttempts = queueHunt, once, 3
		return huntArgs{}, opts, nil
	}
	return nil, nil, fmt.Errorf("insert job: %q is not a kind of job", j.Kind)
}

func newWorkers(w Workers, limits map[risk.JobKind]time.Duration) *river.Workers {
	all := river.NewWorkers()
	addWorker(all, limits, func(ctx context.Context, a collectArgs) error { return w.Collect(ctx, a.Source) })
	addWorker(all, limits, func(ctx context.Context, a scanFileArgs) error { return w.ScanFile(ctx, a.Source, string(a.Path)) })
	addWorker(all, limits, func(ctx context.Context, a rescoreArgs) error { return w.Rescore(ctx, a.Supplier) })
	addWorker(all, limits, func(ctx context.Context, a sendMailArgs) error { return w.SendMail(ctx, a.Message) })
	addWorker(all, limits, func(ctx context.Context, _ decideArgs) error { return w.Decide(ctx) })
	addWorker(all, limits, func(ctx context.Context, _ huntArgs) error { return w.Hunt(ctx) })
	return all
}

// worker calls a function of ours with a job's arguments. A panic in it ends that job only: River recovers it and
// tries the job again.
type worker[A river.JobArgs] struct {
	river.WorkerDefaults[A]
	limit time.Duration
	work  func(context.Context, A) error
}

func addWorker[A river.JobArgs](all *river.Workers, limits map[risk.JobKind]time.Duration, work func(context.Context, A) error) {
	var args A
	river.AddWorker(all, &worker[A]{limit: limits[risk.JobKind(args.Kind())], work: work})
}

func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return w.limit }

// Work does it. What is to be gone on with later goes back into the queue, and that is no failed attempt.
func (w *worker[A]) Work(ctx context.Context, j *river.Job[A]) error {
	err := w.work(ctx, j.Args)
	if errors.Is(err, risk.ErrTryLater) {
		return river.JobSnooze(0)
	}
	return err
}
