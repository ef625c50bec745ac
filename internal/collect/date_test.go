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
		// Today, yesterday and the days before, as the boards of nine languages write them.
		{text: "Today, 2:02 pm", want: "2026-11-24T13:02:00Z"},
		{text: "Today at 12:02:07 AM", want: "2026-11-23T23:02:07Z"},
		{text: "Vorgestern, 14:02", want: "2026-11-22T13:02:00Z"},
		{text: "avant-hier à 14h02", want: "2026-11-22T13:02:00Z"},
		{text: "anteayer a las 14:02", want: "2026-11-22T13:02:00Z"},
		{text: "Позавчера, 14:02", want: "2026-11-22T13:02:00Z"},
		{text: "Hoje às 09:02", want: "2026-11-24T08:02:00Z"},
		{text: "anteontem 14:02", want: "2026-11-22T13:02:00Z"},
		{text: "Oggi alle 9.02", want: "2026-11-24T08:02:00Z"},
		{text: "ieri, 14:02", want: "2026-11-23T13:02:00Z"},
		{text: "Dzisiaj o 9:02", want: "2026-11-24T08:02:00Z"},
		{text: "Bugün, 09:02", want: "2026-11-24T08:02:00Z"},
		{text: "今天 09:02", want: "2026-11-24T08:02:00Z"},
		{text: "昨天 下午3:05", want: "2026-11-23T14:05:00Z"},
		{text: "前天 23:59", want: "2026-11-22T22:59:00Z"},
		// Names of days: the last of that name before today, which is a Tuesday.
		{text: "Sunday at 14:02", want: "2026-11-22T13:02:00Z"},
		{text: "Tuesday at 14:02", want: "2026-11-17T13:02:00Z"},
		{text: "Montag, 14:02", want: "2026-11-23T13:02:00Z"},
		{text: "lundi à 14:02", want: "2026-11-23T13:02:00Z"},
		{text: "星期一 14:02", want: "2026-11-23T13:02:00Z"},
		{text: "mardi 10 novembre 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "mar. 10 nov. 2026 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "martes, 10 de noviembre de 2026 a las 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "Mar Nov 10, 2026 2:02 pm", want: "2026-11-10T13:02:00Z"},
		{text: "martedì 10 novembre 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "maandag 9 november 2026 14:02", want: "2026-11-09T13:02:00Z"},
		{text: "Mar 10, 2026, 14:02", want: "2026-03-10T13:02:00Z"},
		{text: "10 mar 2026, 14:02", want: "2026-03-10T13:02:00Z"},
		// Dates with the month's name.
		{text: "1st Mar 2026 14:02", want: "2026-03-01T13:02:00Z"},
		{text: "2nd January 2026, 02:02 PM", want: "2026-01-02T13:02:00Z"},
		{text: "Oct 3rd, 2026, 2:02 p.m.", want: "2026-10-03T12:02:00Z"},
		{text: "Di 10. Nov 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "1er février 2026 à 14:02", want: "2026-02-01T13:02:00Z"},
		{text: "10 de novembro de 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "Ter Nov 10, 2026 2:02 pm", want: "2026-11-10T13:02:00Z"},
		{text: "10 Novembre 2026, 14:02:59", want: "2026-11-10T13:02:59Z"},
		{text: "wt, 10 lis 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "10 listopada 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "10 Kasım 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "10 Ekim 2026 Cumartesi 14:02", want: "2026-10-10T12:02:00Z"},
		{text: "Вт 10 ноя 2026, 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "10 ноября 2026 г. в 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "2026年11月10日 星期二 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "2026-11-10 下午 02:02", want: "2026-11-10T13:02:00Z"},
		{text: "2026/11/10 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "14:02, 10.11.2026", want: "2026-11-10T13:02:00Z"},
		{text: "10. 11. 2026 14:02", want: "2026-11-10T13:02:00Z"},
		// Stretches of time, of one part and of several.
		{text: "just now", want: "2026-11-24T12:00:00Z"},
		{text: "à l'instant", want: "2026-11-24T12:00:00Z"},
		{text: "только что", want: "2026-11-24T12:00:00Z"},
		{text: "刚刚", want: "2026-11-24T12:00:00Z"},
		{text: "less than a minute ago", want: "2026-11-24T11:59:00Z"},
		{text: "1 hour, 5 minutes ago", want: "2026-11-24T10:55:00Z"},
		{text: "2 days and 3 hours ago", want: "2026-11-22T09:00:00Z"},
		{text: "5m ago", want: "2026-11-24T11:55:00Z"},
		{text: "vor 5 Minuten", want: "2026-11-24T11:55:00Z"},
		{text: "vor einer Stunde", want: "2026-11-24T11:00:00Z"},
		{text: "Verfasst vor etwa 2 Tagen", want: "2026-11-22T12:00:00Z"},
		{text: "il y a une heure", want: "2026-11-24T11:00:00Z"},
		{text: "il y a environ 5 minutes", want: "2026-11-24T11:55:00Z"},
		{text: "hace 5 minutos", want: "2026-11-24T11:55:00Z"},
		{text: "hace una semana", want: "2026-11-17T12:00:00Z"},
		{text: "há 5 minutos", want: "2026-11-24T11:55:00Z"},
		{text: "5 minutos atrás", want: "2026-11-24T11:55:00Z"},
		{text: "5 minuti fa", want: "2026-11-24T11:55:00Z"},
		{text: "un'ora fa", want: "2026-11-24T11:00:00Z"},
		{text: "5 minut temu", want: "2026-11-24T11:55:00Z"},
		{text: "godzinę temu", want: "2026-11-24T11:00:00Z"},
		{text: "минуту назад", want: "2026-11-24T11:59:00Z"},
		{text: "2 часа 5 минут назад", want: "2026-11-24T09:55:00Z"},
		{text: "5 dakika önce", want: "2026-11-24T11:55:00Z"},
		{text: "bir saat önce", want: "2026-11-24T11:00:00Z"},
		{text: "5 分钟前", want: "2026-11-24T11:55:00Z"},
		{text: "3小时前", want: "2026-11-24T09:00:00Z"},
		{text: "2 天前", want: "2026-11-22T12:00:00Z"},
		{text: "2 months ago", want: "2026-09-25T12:00:00Z"},
		// What is no stretch of time, though its words are in it.
		{text: "Il 10 novembre 2026 alle ore 14:02", want: "2026-11-10T13:02:00Z"},
		{text: "heute, 9:02, eine Stunde vor Dienstschluss", want: "2026-11-24T08:02:00Z"},
		{text: "14:02"}, {text: "Ma 14:02"}, {text: "5 hours"}, {text: "for 3 days"}, {text: "2026"}, {text: "novembre"}, {text: "0 minutes of fame"},
		{text: "32.11.2026"}, {text: "13/13/2026"}, {text: "25:61"}, {text: "Posted by Mar"}, {text: "10 Foo 2026"},
		{text: ""}, {text: "by anna"}, {text: "10:14"}, {text: "31 February 2026"}, {text: "99.99.2026"}, {text: "23 Nov 2031"}, {text: "5 minutes"},
		{text: "Posts: 12"}, {text: "12345"},
	} {
		got, ok := collect.ReadDate(c.text, today, berlin, c.monthFirst)
		if moment(got) != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, want %q", c.text, moment(got), c.want)
		}
	}
}
