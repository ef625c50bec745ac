package risk

import (
	"testing"
	"time"
)

func TestHours(t *testing.T) {
	at := func(clock string) time.Time {
		got, err := time.Parse("2006-01-02 15:04:05", "2026-11-24 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	day := Hours{From: 9 * 60, To: 17*60 + 30}
	night := Hours{From: 22 * 60, To: 6 * 60, Zone: "Europe/Berlin"} // 21:00 to 05:00 UTC in November
	for _, c := range []struct {
		h    Hours
		at   string
		left time.Duration
	}{
		{Hours{}, "03:00:00", 24 * time.Hour},
		{day, "08:59:59", 0},
		{day, "09:00:00", 8*time.Hour + 30*time.Minute},
		{day, "17:29:30", 30 * time.Second},
		{day, "17:30:00", 0},
		{night, "20:59:59", 0},
		{night, "21:00:00", 8 * time.Hour},
		{night, "02:00:00", 3 * time.Hour},
		{night, "05:00:00", 0},
		{night, "12:00:00", 0},
	} {
		if got := c.h.Left(at(c.at)); got != c.left {
			t.Errorf("%+v at %s: %v left, want %v", c.h, c.at, got, c.left)
		}
	}
}
