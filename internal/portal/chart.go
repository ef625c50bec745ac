package portal

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// The charts are drawn by the templates as SVG; here is only their geometry. Colours are classes of the style sheet.

// sparkline is a small line of 96 × 24 whose last point is marked.
type sparkline struct {
	Points string
	X, Y   string
	Says   string // the same in words
}

func newSparkline(values []float64, says string) *sparkline {
	if len(values) < 2 {
		return nil
	}
	const w, h, pad = 96.0, 24.0, 4.0
	lo, hi := bounds(values)
	if hi-lo < 1 {
		lo, hi = lo-0.5, hi+0.5
	}
	var points []string
	var x, y float64
	for i, v := range values {
		x = pad + (w-2*pad)*float64(i)/float64(len(values)-1)
		y = pad + (h-2*pad)*(hi-v)/(hi-lo)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	return &sparkline{Points: strings.Join(points, " "), X: fmt.Sprintf("%.1f", x), Y: fmt.Sprintf("%.1f", y), Says: says}
}

func bounds(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// tick is a labelled place on an axis.
type tick struct {
	At    string
	Label string
}

// plot is a chart's frame: a view box with room for labels on the left and below. Templates draw its axes.
type plot struct {
	width  float64
	Ys, Xs []tick
}

const (
	plotHeight           = 220.0
	plotLeft, plotMargin = 48.0, 10.0
	plotTop, plotBottom  = 12.0, 190.0
	halfWidth, fullWidth = 640.0, 1240.0 // beside another panel, or across the page
)

func (p plot) ViewBox() string         { return fmt.Sprintf("0 0 %.0f %.0f", p.width, plotHeight) }
func (p plot) Right() string           { return fmt.Sprintf("%.0f", p.width-plotMargin) }
func (p plot) x(share float64) float64 { return plotLeft + (p.width-plotMargin-plotLeft)*share }
func (p plot) y(share float64) float64 { return plotBottom - (plotBottom-plotTop)*share }

// countAxis labels the quarters of an axis from 0 to top.
func (p *plot) countAxis(top int) {
	for i := range 5 {
		n := top * i / 4
		p.Ys = append(p.Ys, tick{fmt.Sprintf("%.1f", p.y(float64(n)/float64(top))), number(n)})
	}
}

// axisTop is four round steps that reach at least to most.
func axisTop(most int) int {
	for size := 1; ; size *= 10 {
		for _, step := range []int{1, 2, 5} {
			if 4*step*size >= most {
				return 4 * step * size
			}
		}
	}
}

// scoreLine is a supplier's score over the last twelve months, one a day.
type scoreLine struct {
	Short  string // why no line is drawn; "" = it is
	Points string
	Band   string // polygon of the 80 % range
	X, Y   string // the newest score
	Rows   []scoreRow
	plot
}

type scoreRow struct {
	At, Number, Range, Grade string
}

func (p *portal) newScoreLine(scores []risk.Score, now time.Time) *scoreLine {
	if len(scores) == 0 {
		return nil
	}
	v := &scoreLine{plot: plot{width: halfWidth}, Rows: p.scoreRows(scores)}
	if began := scores[0].At; now.Sub(began) < lineFrom {
		v.Short = "Scores begin on " + p.day(began) + "; a line is drawn once they cover a week."
		return v
	}
	start := now.AddDate(-1, 0, 0)
	at := func(t time.Time) float64 {
		return v.x(min(max(t.Sub(start).Seconds()/now.Sub(start).Seconds(), 0), 1))
	}
	var line, upper, lower []string
	for i, s := range scores {
		x := at(s.At)
		line = append(line, fmt.Sprintf("%.1f,%.1f", x, v.y(s.Number/100)))
		upper = append(upper, fmt.Sprintf("%.1f,%.1f", x, v.y(s.High/100)))
		lower = append(lower, fmt.Sprintf("%.1f,%.1f", x, v.y(s.Low/100)))
		if i == len(scores)-1 {
			// A score stands until the next one: the line goes on to today.
			line = append(line, fmt.Sprintf("%.1f,%.1f", v.x(1), v.y(s.Number/100)))
			upper = append(upper, fmt.Sprintf("%.1f,%.1f", v.x(1), v.y(s.High/100)))
			lower = append(lower, fmt.Sprintf("%.1f,%.1f", v.x(1), v.y(s.Low/100)))
			v.X, v.Y = fmt.Sprintf("%.1f", v.x(1)), fmt.Sprintf("%.1f", v.y(s.Number/100))
		}
	}
	v.Points = strings.Join(line, " ")
	for i := len(lower) - 1; i >= 0; i-- {
		upper = append(upper, lower[i])
	}
	v.Band = strings.Join(upper, " ")
	// A line at every grade's edge; every second one is labelled, so that the labels fit a narrow screen.
	for _, y := range []struct {
		at    float64
		label string
	}{{0, "0"}, {60, "60"}, {70, ""}, {80, "80"}, {90, ""}, {100, "100"}} {
		v.Ys = append(v.Ys, tick{fmt.Sprintf("%.1f", v.y(y.at/100)), y.label})
	}
	month := time.Date(start.Year(), start.Month()+1, 1, 0, 0, 0, 0, start.Location())
	for ; month.Before(now); month = month.AddDate(0, 2, 0) {
		v.Xs = append(v.Xs, tick{fmt.Sprintf("%.1f", at(month)), month.Format("Jan")})
	}
	return v
}

const lineFrom = 7 * 24 * time.Hour

// daily keeps the last score of each day; scores come oldest first.
func (p *portal) daily(scores []risk.Score) []risk.Score {
	var out []risk.Score
	for _, s := range scores {
		if n := len(out); n > 0 && p.day(out[n-1].At) == p.day(s.At) {
			out[n-1] = s
			continue
		}
		out = append(out, s)
	}
	return out
}

// scoreRows lists scores, newest first.
func (p *portal) scoreRows(scores []risk.Score) []scoreRow {
	var rows []scoreRow
	for i := len(scores) - 1; i >= 0; i-- {
		s := scores[i]
		rows = append(rows, scoreRow{p.stamp(s.At), whole(s.Number), whole(s.Low) + "–" + whole(s.High), gradeBadge(&s).Label})
	}
	return rows
}

// weekChart stacks new exposures by severity, a bar a week, with a line for the closed ones.
type weekChart struct {
	Bars   []bar
	Closed string
	Rows   []weekRow
	Says   string
	plot
}

type bar struct {
	X, Y, Width, Height string
	Tone                string
	Says                string
}

type weekRow struct {
	Week                        string
	Critical, High, Medium, Low int
	Closed                      int
}

var stackOrder = []risk.Severity{risk.SeverityCritical, risk.SeverityHigh, risk.SeverityMedium, risk.SeverityLow}

func newWeekChart(weeks []risk.WeekCount) *weekChart {
	most, found, closed := 0, 0, 0
	for _, w := range weeks {
		n := 0
		for _, sev := range stackOrder {
			n += w.New[sev]
		}
		most = max(most, n, w.Closed)
		found, closed = found+n, closed+w.Closed
	}
	if found+closed == 0 {
		return nil
	}
	top := axisTop(most)
	v := &weekChart{plot: plot{width: halfWidth}, Says: fmt.Sprintf("%s new and %s closed in %s.", number(found), number(closed), plural(len(weeks), "week", "weeks"))}
	slot := 1 / float64(len(weeks))
	var line []string
	for i, w := range weeks {
		mid := v.x((float64(i) + 0.5) * slot)
		width := (v.x(1) - v.x(0)) * slot * 0.62
		sum := 0
		_, week := w.Monday.ISOWeek()
		for _, sev := range stackOrder {
			n := w.New[sev]
			if n == 0 {
				continue
			}
			y0, y1 := v.y(float64(sum)/float64(top)), v.y(float64(sum+n)/float64(top))
			sum += n
			v.Bars = append(v.Bars, bar{X: fmt.Sprintf("%.1f", mid-width/2), Y: fmt.Sprintf("%.1f", y1), Width: fmt.Sprintf("%.1f", width),
				Height: fmt.Sprintf("%.1f", max(y0-y1-1, 0.5)), Tone: sev.String(), Says: fmt.Sprintf("Week %d: %d %s", week, n, sev)})
		}
		line = append(line, fmt.Sprintf("%.1f,%.1f", mid, v.y(float64(w.Closed)/float64(top))))
		v.Xs = append(v.Xs, tick{fmt.Sprintf("%.1f", mid), fmt.Sprintf("W%d", week)})
		v.Rows = append(v.Rows, weekRow{fmt.Sprintf("W%d, from %s", week, w.Monday.Format("2 Jan")), w.New[risk.SeverityCritical], w.New[risk.SeverityHigh],
			w.New[risk.SeverityMedium], w.New[risk.SeverityLow], w.Closed})
	}
	if closed > 0 {
		v.Closed = strings.Join(line, " ")
	}
	v.countAxis(top)
	return v
}

// dayChart is documents read a day over all sources.
type dayChart struct {
	Fetched, Matched string
	Rows             []dayRow
	Says             string
	plot
}

type dayRow struct {
	Day                              string
	Fetched, Matched, Runs, Failures int
}

func newDayChart(statuses []risk.SourceStatus) *dayChart {
	days := sumDays(statuses)
	if len(days) < 2 {
		return nil
	}
	most, fetched, matched := 0, 0, 0
	for _, d := range days {
		most = max(most, d.Fetched)
		fetched, matched = fetched+d.Fetched, matched+d.Matched
	}
	top := axisTop(most)
	v := &dayChart{plot: plot{width: fullWidth}, Says: fmt.Sprintf("%s documents read in %d days, %s matches in them.", number(fetched), len(days), number(matched))}
	var read, hit []string
	for i, d := range days {
		x := v.x(float64(i) / float64(len(days)-1))
		read = append(read, fmt.Sprintf("%.1f,%.1f", x, v.y(float64(d.Fetched)/float64(top))))
		hit = append(hit, fmt.Sprintf("%.1f,%.1f", x, v.y(float64(d.Matched)/float64(top))))
		if i%max(1, len(days)/6) == 0 {
			v.Xs = append(v.Xs, tick{fmt.Sprintf("%.1f", x), d.Day.Format("2 Jan")})
		}
		v.Rows = append(v.Rows, dayRow{d.Day.Format("2 Jan"), d.Fetched, d.Matched, d.Runs, d.Failures})
	}
	v.countAxis(top)
	v.Fetched, v.Matched = strings.Join(read, " "), strings.Join(hit, " ")
	return v
}

func sumDays(statuses []risk.SourceStatus) []risk.SourceDay {
	by := map[time.Time]risk.SourceDay{}
	var first, last time.Time
	for _, s := range statuses {
		for _, d := range s.Health.Days {
			d.Day = d.Day.UTC()
			sum := by[d.Day]
			by[d.Day] = risk.SourceDay{Day: d.Day, Runs: sum.Runs + d.Runs, Failures: sum.Failures + d.Failures, Fetched: sum.Fetched + d.Fetched, Matched: sum.Matched + d.Matched}
			if first.IsZero() || d.Day.Before(first) {
				first = d.Day
			}
			if d.Day.After(last) {
				last = d.Day
			}
		}
	}
	var days []risk.SourceDay
	for day := first; !first.IsZero() && !day.After(last); day = day.AddDate(0, 0, 1) {
		sum := by[day]
		sum.Day = day
		days = append(days, sum)
	}
	return days
}

// strip is a source's last thirty days, a cell a day.
type strip struct {
	Cells []stripCell
	Says  string
}

type stripCell struct {
	X, Y, Height string
	Tone         string
	Says         string
}

func newStrip(days []risk.SourceDay, now time.Time) strip {
	const width, pitch = 30, 5
	by := map[time.Time]risk.SourceDay{}
	failing, quiet := 0, 0
	for _, d := range days {
		by[d.Day.UTC()] = d
	}
	today := now.UTC().Truncate(24 * time.Hour)
	var v strip
	for i := range width {
		day := today.AddDate(0, 0, i-width+1)
		d, ran := by[day]
		cell := stripCell{X: fmt.Sprint(i * pitch), Y: "5", Height: "8"}
		switch {
		case !ran || d.Runs == 0:
			cell.Tone, cell.Says = "none", "no run"
			quiet++
		case d.Failures == 0:
			cell.Tone, cell.Says = "good", plural(d.Fetched, "document", "documents")
		case d.Failures < d.Runs:
			cell.Tone, cell.Y, cell.Height = "medium", "3", "12"
			cell.Says = fmt.Sprintf("%d of %d runs failed", d.Failures, d.Runs)
			failing++
		default:
			cell.Tone, cell.Y, cell.Height, cell.Says = "critical", "1", "16", "every run failed"
			failing++
		}
		cell.Says = day.Format("2 Jan") + ": " + cell.Says
		v.Cells = append(v.Cells, cell)
	}
	v.Says = fmt.Sprintf("Last 30 days: %d with failures, %d without a run", failing, quiet)
	return v
}
