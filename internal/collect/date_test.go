package collect_test

import (
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
)

// Now is Tuesday, 24 November 2026, 13:00 in Berlin, an hour before UTC.
func TestDatesAsBoardsWriteThem(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text       string
		monthFirst bool
		want       string // "" = not understood
	}{
		{text: "2026-11-23T16:00:00+00:00", want: "2026-11-23T16:00:00Z"},
		{text: "2026-11-23T16:00:00+0100", want: "2026-11-23T15:00:00Z"},
		{text: "2026-11-23T16:00:00", want: "2026-11-23T15:00:00Z"},
		{text: "1795449600", want: "2026-11-23T16:00:00Z"},
		{text: "1795449600000", want: "2026-11-23T16:00:00Z"},
		{text: "Mon Nov 23, 2026 4:00 pm", want: "2026-11-23T15:00:00Z"},
		{text: "November 23, 2026, 04:00:07 PM", want: "2026-11-23T15:00:07Z"},
		{text: "23rd of November 2026 12:30 AM", want: "2026-11-22T23:30:00Z"},
		{text: "Today, 10:14", want: "2026-11-24T09:14:00Z"},
		{text: "Yesterday at 10:14 AM", want: "2026-11-23T09:14:00Z"},
		{text: "Gestern, 10:14 Uhr", want: "2026-11-23T09:14:00Z"},
		{text: "heute um 07:02", want: "2026-11-24T06:02:00Z"},
		{text: "вчера, 10:14", want: "2026-11-23T09:14:00Z"},
		{text: "Сегодня в 9:05", want: "2026-11-24T08:05:00Z"},
		{text: "Вчора о 9:05", want: "2026-11-23T08:05:00Z"},
		{text: "Hier à 22:10", want: "2026-11-23T21:10:00Z"},
		{text: "Aujourd'hui 08:00", want: "2026-11-24T07:00:00Z"},
		{text: "Ayer a las 18:00", want: "2026-11-23T17:00:00Z"},
		{text: "wczoraj 18:00", want: "2026-11-23T17:00:00Z"},
		{text: "Dün 18:00", want: "2026-11-23T17:00:00Z"},
		{text: "23. Januar 2026, 08:00", want: "2026-01-23T07:00:00Z"},
		{text: "23 марта 2026 г. 08:00", want: "2026-03-23T07:00:00Z"},
		{text: "5 мая 2026 08:00", want: "2026-05-05T06:00:00Z"},
		{text: "3 juillet 2026, 08:00", want: "2026-07-03T06:00:00Z"},
		{text: "3 de agosto de 2026 08:00", want: "2026-08-03T06:00:00Z"},
		{text: "14 czerwca 2026 08:00", want: "2026-06-14T06:00:00Z"},
		{text: "14 липня 2026 08:00", want: "2026-07-14T06:00:00Z"},
		{text: "14 Ağustos 2026 08:00", want: "2026-08-14T06:00:00Z"},
		{text: "2026年11月3日 08:00", want: "2026-11-03T07:00:00Z"},
		{text: "3 Dec, 08:00", want: "2025-12-03T07:00:00Z"},
		{text: "23.11.2026 08:00", monthFirst: true, want: "2026-11-23T07:00:00Z"},
		{text: "03.11.2026 08:00", monthFirst: true, want: "2026-11-03T07:00:00Z"},
		{text: "11-03-2026, 08:00 AM", monthFirst: true, want: "2026-11-03T07:00:00Z"},
		{text: "03-11-2026, 08:00 AM", want: "2026-11-03T07:00:00Z"},
		{text: "12/11/2026 08:00", monthFirst: true, want: "2026-11-12T07:00:00Z"}, // December is yet to come
		{text: "23/11/26 08:00", monthFirst: true, want: "2026-11-23T07:00:00Z"},
		{text: "2026-11-03 08:00:59", want: "2026-11-03T07:00:59Z"},
		{text: "5 minutes ago", want: "2026-11-24T11:55:00Z"},
		{text: "vor 3 Stunden", want: "2026-11-24T09:00:00Z"},
		{text: "5 минут назад", want: "2026-11-24T11:55:00Z"},
		{text: "il y a 2 jours", want: "2026-11-22T12:00:00Z"},
		{text: "an hour ago", want: "2026-11-24T11:00:00Z"},
		{text: "Last edited by mole on Mon Nov 23, 2026 4:20 pm, edited 1 time in total.", want: "2026-11-23T15:20:00Z"},
		{text: ""}, {text: "by anna"}, {text: "10:14"}, {text: "31 February 2026"}, {text: "99.99.2026"}, {text: "23 Nov 2031"}, {text: "5 minutes"},
		{text: "Posts: 12"}, {text: "12345"},
	} {
		got, ok := collect.ReadDate(c.text, today, berlin, c.monthFirst)
		if moment(got) != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, want %q", c.text, moment(got), c.want)
		}
	}
}
