package extract

import (
	"strconv"
	"strings"
	"time"
)

// layouts are writings of a date with the month's name, or with the year in front, that time itself reads.
var layouts = []string{
	time.RFC3339Nano, time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate,
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST",
	"2 January 2006 15:04:05", "2 Jan 2006 15:04:05", "January 2, 2006 15:04:05", "January 2, 2006 3:04:05 PM", "Jan 2, 2006 3:04:05 PM",
	"Monday, January 2, 2006 3:04:05 PM", "Monday, 2 January 2006 15:04:05", "2 January 2006", "Jan 2, 2006",
}

// parseDate writes a date as RFC 3339, if there is one way only to read it; dayFirst settles what is else left open. A
// machine's own time that comes without a zone is taken in zone. Years are those in which stealers have been about.
func parseDate(value string, dayFirst bool, zone *time.Location) (string, bool) {
	value = strings.Join(strings.Fields(value), " ")
	at, ok := parseNumbers(value, dayFirst, zone)
	for _, layout := range layouts {
		if ok {
			break
		}
		if t, err := time.ParseInLocation(layout, value, zone); err == nil {
			at, ok = t, true
		}
	}
	if !ok || at.Year() < 2000 || at.Year() > 2100 {
		return "", false
	}
	return at.Format(time.RFC3339), true
}

// parseNumbers reads three numbers, the year first or last, with an hour behind them.
func parseNumbers(value string, dayFirst bool, zone *time.Location) (time.Time, bool) {
	date, clock := value, ""
	if i := strings.IndexAny(value, " T"); i >= 0 {
		date, clock = value[:i], strings.TrimSpace(value[i+1:])
	}
	date = strings.TrimRight(date, ",")
	sep := strings.IndexAny(date, "-/.")
	if sep < 0 {
		return parseEpoch(value)
	}
	parts := strings.Split(date, date[sep:sep+1])
	if len(parts) != 3 {
		return time.Time{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return time.Time{}, false
		}
		n[i] = int(v)
	}
	hour, place, halves, ok := parseClock(clock, zone)
	if !ok {
		return time.Time{}, false
	}
	year, month, day := n[2], n[1], n[0]
	switch {
	case len(parts[0]) == 4:
		year, month, day = n[0], n[1], n[2]
	case len(parts[2]) != 4:
		return time.Time{}, false
	case date[sep] == '/':
		// Halves of the day go with the month first. Else only a number above twelve tells.
		switch {
		case n[0] == n[1] || n[0] > 12 || !halves && (n[1] <= 12 && dayFirst):
		case n[1] > 12 || halves:
			month, day = n[0], n[1]
		default:
			return time.Time{}, false
		}
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, place)
	if t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return time.Time{}, false
	}
	return t.Add(hour), true
}

// parseClock reads "3:04:05 PM", "15:04:05.87-07:00", "15:04 UTC+2" or nothing.
func parseClock(clock string, zone *time.Location) (since time.Duration, place *time.Location, halves, ok bool) {
	clock = strings.Trim(clock, "- ()")
	if clock == "" {
		return 0, zone, false, true
	}
	digits := 0
	for digits < len(clock) && (isDigit(clock[digits]) || clock[digits] == ':' || clock[digits] == '.') {
		digits++
	}
	clock, rest := clock[:digits], strings.TrimSpace(clock[digits:])
	switch upper := strings.ToUpper(rest); {
	case strings.HasPrefix(upper, "AM"), strings.HasPrefix(upper, "PM"):
		halves = true
		t, err := time.Parse("3:4:5PM", withSeconds(clock)+upper[:2])
		if err != nil {
			return 0, nil, false, false
		}
		since, rest = t.Sub(t.Truncate(24*time.Hour)), strings.TrimSpace(rest[2:])
	default:
		t, err := time.Parse("15:4:5", withSeconds(clock))
		if err != nil {
			return 0, nil, false, false
		}
		since = t.Sub(t.Truncate(24 * time.Hour))
	}
	if rest != "" {
		if zone = zoneOf(rest); zone == time.UTC && !strings.HasPrefix(rest, "Z") && !strings.Contains(rest, "UTC") && !strings.Contains(rest, "GMT") && !strings.HasPrefix(rest, "+0") && !strings.HasPrefix(rest, "-0") {
			return 0, nil, false, false
		}
	}
	return since, zone, halves, true
}

func withSeconds(clock string) string {
	if strings.Count(clock, ":") == 1 {
		return clock + ":00"
	}
	return clock
}

// zoneOf reads an offset such as "(UTC-05:00) Eastern Time", "UTC+2" or "-07:00"; without one it is UTC.
func zoneOf(text string) *time.Location {
	sign := strings.IndexAny(text, "+-")
	if sign < 0 || sign > 6 {
		return time.UTC
	}
	hours, rest := number(text[sign+1:])
	minutes := 0
	if strings.HasPrefix(rest, ":") {
		minutes, _ = number(rest[1:])
	} else if hours >= 100 { // -0700
		hours, minutes = hours/100, hours%100
	}
	if hours > 14 || minutes > 59 {
		return time.UTC
	}
	offset := hours*3600 + minutes*60
	if text[sign] == '-' {
		offset = -offset
	}
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}

// number reads up to four digits.
func number(s string) (n int, rest string) {
	i := 0
	for i < len(s) && i < 4 && isDigit(s[i]) {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:]
}

// parseEpoch reads seconds or milliseconds since 1970.
func parseEpoch(value string) (time.Time, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case len(value) == 10:
		return time.Unix(n, 0).UTC(), true
	case len(value) == 13:
		return time.UnixMilli(n).UTC(), true
	}
	return time.Time{}, false
}

func isRFC3339(value string) bool {
	_, err := time.Parse(time.RFC3339, value)
	return err == nil
}
