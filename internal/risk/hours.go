package risk

import "time"

// Hours are when a source may be asked for something, each day: from From on, up to To, in minutes of the day in Zone.
// Where From is behind To they go over midnight. The zero Hours are all day.
type Hours struct {
	From, To int
	Zone     string // IANA; "" = UTC
}

// Always reports hours that exclude nothing.
func (h Hours) Always() bool { return h.From == h.To }

// Left is how long the hours go on from now; 0 = it is outside of them.
func (h Hours) Left(now time.Time) time.Duration {
	const day = 24 * 60
	if h.Always() {
		return day * time.Minute
	}
	at := now.In(h.zone())
	minute := at.Hour()*60 + at.Minute()
	since, length := (minute-h.From+day)%day, (h.To-h.From+day)%day
	if since >= length {
		return 0
	}
	return time.Duration(length-since)*time.Minute - time.Duration(at.Second())*time.Second - time.Duration(at.Nanosecond())
}

// zone was checked when the definition was read.
func (h Hours) zone() *time.Location {
	if zone, err := time.LoadLocation(h.Zone); err == nil {
		return zone
	}
	return time.UTC
}
