package collect

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wardline/wardline/internal/risk"
)

// calendar reads dates as board software writes them for people: in several languages, and relative to now.
type calendar struct {
	now        time.Time
	zone       *time.Location
	layouts    risk.Reading // the definition's own layouts go first
	monthFirst bool         // 11-03-2026 is in November, where both readings are possible
}

// read gives the moment that a text names. What it cannot read is unknown, never a guess at today.
func (c calendar) read(text string) (time.Time, bool) {
	if t, ok := c.stamp(text); ok {
		return t, true
	}
	w := wordsOf(text)
	if t, ok := c.ago(w); ok {
		return t, true
	}
	hour, minute, second, w := takeTime(w)
	year, month, day, ok := c.day(w)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, month, day, hour, minute, second, 0, c.zone)
	if t.Day() != day || t.After(c.now.Add(48*time.Hour)) {
		return time.Time{}, false
	}
	return t.UTC(), true
}

// stamp reads what is written for programs: ISO 8601, and seconds or milliseconds since 1970.
func (c calendar) stamp(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00"} {
		if t, err := time.ParseInLocation(layout, text, c.zone); err == nil {
			return t.UTC(), true
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || len(text) < 9:
		return time.Time{}, false
	case n > 1<<33:
		n /= 1000
	}
	if n <= 0 || n > 1<<33 {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

// word is a run of letters, of digits, or one other character.
type word struct {
	text   string
	number int // -1 = not a number
}

// mostWords is more than any date has, with the sentence around it.
const mostWords = 80

func wordsOf(text string) []word {
	var out []word
	rest := strings.ToLower(text)
	for rest != "" && len(out) < mostWords {
		first := firstRune(rest)
		same := func(r rune) bool { return r == first }
		switch {
		case unicode.IsSpace(first):
			rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
			continue
		case first >= '0' && first <= '9':
			same = func(r rune) bool { return r >= '0' && r <= '9' }
		case unicode.IsLetter(first):
			same = func(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return !same(r) })
		if end < 0 {
			end = len(rest)
		}
		w := word{text: rest[:end], number: -1}
		if n, err := strconv.Atoi(w.text); err == nil && len(w.text) <= 4 {
			w.number = n
		}
		out, rest = append(out, w), rest[end:]
	}
	return out
}

// takeTime finds the first time of day and takes it out.
func takeTime(w []word) (hour, minute, second int, rest []word) {
	for i := 0; i+2 < len(w); i++ {
		if w[i+1].text != ":" || w[i].number < 0 || w[i].number > 23 || w[i+2].number < 0 || w[i+2].number > 59 || len(w[i+2].text) != 2 {
			continue
		}
		hour, minute = w[i].number, w[i+2].number
		end := i + 3
		if end+1 < len(w) && w[end].text == ":" && w[end+1].number >= 0 && w[end+1].number < 60 {
			second, end = w[end+1].number, end+2
		}
		if end < len(w) && slices.Contains([]string{"am", "pm", "a", "p"}, w[end].text) {
			hour = hour % 12
			if w[end].text[0] == 'p' {
				hour += 12
			}
			end++
		}
		return hour, minute, second, slices.Concat(w[:i], []word{{text: ",", number: -1}}, w[end:])
	}
	return 0, 0, 0, w
}

func (c calendar) day(w []word) (year int, month time.Month, day int, ok bool) {
	if year, month, day, ok = c.numbers(w); ok {
		return year, month, day, true
	}
	if year, month, day, ok = c.named(w); ok {
		return year, month, day, true
	}
	for _, x := range w {
		if back, known := dayWords[x.text]; known {
			year, month, day = c.now.In(c.zone).AddDate(0, 0, -back).Date()
			return year, month, day, true
		}
	}
	return 0, 0, 0, false
}

// numbers reads 2026-11-23, 23.11.2026, 11/23/26 and 2026年11月23日.
func (c calendar) numbers(w []word) (int, time.Month, int, bool) {
	for i := 0; i+4 < len(w); i++ {
		a, b, d := w[i].number, w[i+2].number, w[i+4].number
		by := w[i+1].text
		parted := by == w[i+3].text && (by == "-" || by == "." || by == "/") || by == "年" && w[i+3].text == "月"
		switch {
		case a < 0 || b < 0 || d < 0 || !parted:
		case len(w[i].text) == 4:
			if b >= 1 && b <= 12 && d >= 1 && d <= 31 {
				return a, time.Month(b), d, true
			}
		case len(w[i+4].text) == 4 || len(w[i+4].text) == 2:
			if len(w[i+4].text) == 2 {
				d += 2000
			}
			if day, month, ok := c.dayAndMonth(a, b, d, by); ok {
				return d, month, day, true
			}
		}
	}
	return 0, 0, 0, false
}

// dayAndMonth decides which is which: dots mean that the day is first, a number over 12 is no month, and nothing is
// posted tomorrow; where all of these leave it open, the software's default does.
func (c calendar) dayAndMonth(a, b, year int, by string) (int, time.Month, bool) {
	monthFirst := c.monthFirst && by != "."
	if a > 12 {
		monthFirst = false
	} else if b > 12 {
		monthFirst = true
	} else if by != "." && c.future(year, a, b, monthFirst) && !c.future(year, a, b, !monthFirst) {
		monthFirst = !monthFirst
	}
	day, month := a, b
	if monthFirst {
		day, month = b, a
	}
	return day, time.Month(month), month >= 1 && month <= 12 && day >= 1 && day <= 31
}

func (c calendar) future(year, a, b int, monthFirst bool) bool {
	if !monthFirst {
		a, b = b, a
	}
	return time.Date(year, time.Month(a), b, 0, 0, 0, 0, c.zone).After(c.now.Add(24 * time.Hour))
}

// named reads a date with the month's name in it; one without a year is the last such day.
func (c calendar) named(w []word) (year int, month time.Month, day int, ok bool) {
	for i, x := range w {
		if month, ok = monthOf(x.text); !ok {
			continue
		}
		day = nearNumber(w, i, 31)
		if day == 0 {
			continue
		}
		for _, y := range w[max(i-4, 0):min(i+6, len(w))] {
			if len(y.text) == 4 && y.number > 1969 {
				return y.number, month, day, true
			}
		}
		year = c.now.In(c.zone).Year()
		if time.Date(year, month, day, 0, 0, 0, 0, c.zone).After(c.now.Add(24 * time.Hour)) {
			year--
		}
		return year, month, day, true
	}
	return 0, 0, 0, false
}

// nearNumber is the day beside a month's name: before it, over a dot or a "de", or behind it.
func nearNumber(w []word, at, most int) int {
	isDay := func(x word) bool { return x.number >= 1 && x.number <= most && len(x.text) <= 2 }
	for back := at - 1; back >= max(at-3, 0); back-- {
		if isDay(w[back]) {
			return w[back].number
		}
		if !slices.Contains([]string{".", "de", "of", "st", "nd", "rd", "th", "er", "º", "-"}, w[back].text) {
			break
		}
	}
	for on := at + 1; on < min(at+3, len(w)); on++ {
		if isDay(w[on]) {
			return w[on].number
		}
		if w[on].text != "." {
			break
		}
	}
	return 0
}

// ago reads "5 minutes ago" and its like.
func (c calendar) ago(w []word) (time.Time, bool) {
	isAgo := slices.ContainsFunc(w, func(x word) bool { return agoWords[x.text] })
	for i, x := range w {
		if nowWords[x.text] && len(w) <= 3 {
			return c.now.UTC(), true
		}
		unit, known := unitOf(x.text)
		if !known || !isAgo {
			continue
		}
		n := 1
		if i > 0 && w[i-1].number >= 0 {
			n = w[i-1].number
		}
		return c.now.Add(-time.Duration(n) * unit).Truncate(time.Minute).UTC(), true
	}
	return time.Time{}, false
}

var dayWords = map[string]int{
	"today": 0, "yesterday": 1, "heute": 0, "gestern": 1, "aujourd": 0, "hier": 1, "hoy": 0, "ayer": 1, "oggi": 0, "ieri": 1, "hoje": 0, "ontem": 1,
	"vandaag": 0, "gisteren": 1, "dzisiaj": 0, "dziś": 0, "wczoraj": 1, "сегодня": 0, "вчера": 1, "сьогодні": 0, "вчора": 1, "bugün": 0, "dün": 1,
	"dnes": 0, "včera": 1, "idag": 0, "igår": 1, "ma": 0, "tegnap": 1, "azi": 0, "今天": 0, "昨天": 1, "今日": 0, "昨日": 1,
}

var nowWords = map[string]bool{"now": true, "jetzt": true, "maintenant": true, "ahora": true, "adesso": true, "сейчас": true}

var agoWords = map[string]bool{
	"ago": true, "vor": true, "il": true, "hace": true, "fa": true, "atrás": true, "há": true, "geleden": true, "temu": true,
	"назад": true, "тому": true, "önce": true, "před": true, "sedan": true,
}

// units begin the words for a stretch of time; the longest beginning that fits decides.
var units = []struct {
	begin string
	unit  time.Duration
}{
	{"sec", time.Second}, {"sek", time.Second}, {"segund", time.Second}, {"сек", time.Second}, {"saniye", time.Second}, {"moment", time.Second},
	{"min", time.Minute}, {"мин", time.Minute}, {"хв", time.Minute}, {"dakika", time.Minute},
	{"hour", time.Hour}, {"stund", time.Hour}, {"heure", time.Hour}, {"hora", time.Hour}, {"ora", time.Hour}, {"ore", time.Hour}, {"uur", time.Hour},
	{"godz", time.Hour}, {"час", time.Hour}, {"годин", time.Hour}, {"saat", time.Hour}, {"hodin", time.Hour},
	{"day", aDay}, {"tag", aDay}, {"jour", aDay}, {"día", aDay}, {"dia", aDay}, {"giorn", aDay}, {"dag", aDay}, {"dni", aDay}, {"дн", aDay}, {"ден", aDay}, {"gün", aDay},
	{"week", 7 * aDay}, {"woche", 7 * aDay}, {"semaine", 7 * aDay}, {"semana", 7 * aDay}, {"settiman", 7 * aDay}, {"tydzi", 7 * aDay}, {"tygodni", 7 * aDay}, {"недел", 7 * aDay},
}

const aDay = 24 * time.Hour

func unitOf(text string) (time.Duration, bool) {
	for _, u := range units {
		if strings.HasPrefix(text, u.begin) {
			return u.unit, true
		}
	}
	return 0, false
}

// monthNames are beginnings of the twelve names in the languages that boards are mostly in; a word of three letters and
// more that begins with one is that month, the longest beginning first.
var monthNames = [12][]string{
	{"jan", "ene", "gen", "янв", "січ", "sty", "oca", "led"},
	{"feb", "fev", "fév", "фев", "лют", "lut", "şub", "úno"},
	{"mar", "mär", "mrz", "maa", "мар", "бер", "bře"},
	{"apr", "avr", "abr", "апр", "квіт", "kwi", "nis", "dub"},
	{"may", "mai", "mag", "mei", "май", "мая", "трав", "maj", "kvě"},
	{"jun", "juin", "giu", "июн", "черв", "cze", "haz", "čvn", "červn"},
	{"jul", "juil", "lug", "июл", "лип", "lip", "tem", "čvc", "červenc"},
	{"aug", "aoû", "aou", "ago", "авг", "серп", "sie", "ağu", "srp"},
	{"sep", "set", "сен", "вер", "wrz", "eyl", "zář"},
	{"oct", "okt", "out", "ott", "окт", "жовт", "paź", "eki", "říj"},
	{"nov", "ноя", "лист", "lis", "kas"},
	{"dec", "dez", "déc", "dic", "дек", "груд", "gru", "ara", "pro"},
}

func monthOf(text string) (time.Month, bool) {
	best, month := 0, time.Month(0)
	for i, names := range monthNames {
		for _, begin := range names {
			if len(begin) > best && strings.HasPrefix(text, begin) {
				best, month = len(begin), time.Month(i+1)
			}
		}
	}
	return month, month != 0
}
