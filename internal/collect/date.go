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
		if !isTime(w, i) {
			continue
		}
		hour, minute = w[i].number, w[i+2].number
		begin, end := i, i+3
		if end+1 < len(w) && w[end].text == ":" && w[end+1].number >= 0 && w[end+1].number < 60 {
			second, end = w[end+1].number, end+2
		}
		if half, known := halfDay(w, end); known {
			hour, end = hour%12+half, end+1
		} else if half, known := halfDay(w, i-1); known && hour <= 12 {
			hour, begin = hour%12+half, i-1
		}
		return hour, minute, second, slices.Concat(w[:begin], []word{{text: ",", number: -1}}, w[end:])
	}
	return 0, 0, 0, w
}

// isTime reports that 14:02, 14h02 or, behind a word that says so, 14.02 begins at a word.
func isTime(w []word, at int) bool {
	if w[at].number < 0 || w[at].number > 23 || w[at+2].number < 0 || w[at+2].number > 59 || len(w[at+2].text) != 2 {
		return false
	}
	switch by := w[at+1].text; by {
	case ":", "h":
		return true
	case ".":
		return at > 0 && clockWords[w[at-1].text] || at > 1 && w[at-1].text == "." && clockWords[w[at-2].text]
	}
	return false
}

// clockWords stand before a time that is written with a dot.
var clockWords = map[string]bool{"alle": true, "ore": true, "kl": true, "klo": true, "pukul": true, "jam": true}

// halfDay gives the hours that a word such as pm adds.
func halfDay(w []word, at int) (hours int, known bool) {
	if at < 0 || at >= len(w) {
		return 0, false
	}
	switch w[at].text {
	case "am", "a", "öö", "上午", "凌晨", "早上", "午前":
		return 0, true
	case "pm", "p", "ös", "下午", "晚上", "中午", "午後":
		return 12, true
	}
	return 0, false
}

func (c calendar) day(w []word) (year int, month time.Month, day int, ok bool) {
	if year, month, day, ok = c.numbers(w); ok {
		return year, month, day, true
	}
	if year, month, day, ok = c.named(w); ok {
		return year, month, day, true
	}
	for i, x := range w {
		back, known := dayWords[x.text]
		if x.text == "hier" && i > 1 && w[i-2].text == "avant" {
			back = 2
		}
		if on, is := weekdays[x.text]; is && !known {
			back, known = c.daysSince(on), true
		}
		if known {
			year, month, day = c.now.In(c.zone).AddDate(0, 0, -back).Date()
			return year, month, day, true
		}
	}
	return 0, 0, 0, false
}

// daysSince counts the days back to the last day of that name before today, as boards mean it.
func (c calendar) daysSince(on time.Weekday) int {
	return (int(c.now.In(c.zone).Weekday()-on)+6)%7 + 1
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
		if month, ok = monthOf(x.text); !ok || likeMonths[x.text] && slices.ContainsFunc(w[i+1:min(i+6, len(w))], isMonth) {
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

// likeMonths are names of days that begin like a month; they are days where a month follows.
var likeMonths = map[string]bool{"mar": true, "mardi": true, "martes": true, "martedì": true, "maa": true, "maandag": true, "maanantai": true}

func isMonth(w word) bool {
	_, ok := monthOf(w.text)
	return ok
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

// ago reads "5 minutes ago" and its like, also of several parts: "1 hour, 5 minutes ago".
func (c calendar) ago(w []word) (time.Time, bool) {
	if len(w) <= 4 && slices.ContainsFunc(w, func(x word) bool { return nowWords[x.text] }) {
		return c.now.UTC(), true
	}
	var total time.Duration
	begin, end := 0, -1
	for i, x := range w {
		unit, known := unitOf(x.text)
		if !known {
			continue
		}
		n, from := counted(w, i)
		if from <= end || end < 0 || !areJoined(w[end+1:from]) {
			total, begin = 0, from
		}
		total, end = total+time.Duration(n)*unit, i
		if isAgo(w, begin, end) {
			return c.now.Add(-total).Truncate(time.Minute).UTC(), true
		}
	}
	return time.Time{}, false
}

// counted is how many of a unit are meant, and where the words for that begin.
func counted(w []word, unit int) (n, from int) {
	switch {
	case unit > 0 && w[unit-1].number >= 0:
		return w[unit-1].number, unit - 1
	case unit > 0 && articles[w[unit-1].text]:
		return 1, unit - 1
	case unit > 1 && w[unit-1].text == "'" && articles[w[unit-2].text]:
		return 1, unit - 2
	}
	return 1, unit
}

// areJoined reports that only a comma or an "and" stands between two parts of a stretch of time.
func areJoined(between []word) bool {
	return len(between) <= 2 && !slices.ContainsFunc(between, func(x word) bool { return !joints[x.text] })
}

// isAgo reports that words around a stretch of time, or the end of its last one, say that it is past.
func isAgo(w []word, begin, end int) bool {
	if strings.HasSuffix(w[end].text, "前") || end+1 < len(w) && agoWords[w[end+1].text] && !agoBefore[w[end+1].text] {
		return true
	}
	at := begin - 1
	for at >= 0 && about[w[at].text] {
		at--
	}
	if at >= 2 && w[at].text == "a" && w[at-1].text == "y" && w[at-2].text == "il" {
		return true
	}
	// Before a number or an article only: "heute vor Tagesende" is no stretch of time.
	return at >= 0 && agoBefore[w[at].text] && begin < end
}

var (
	agoWords  = map[string]bool{"ago": true, "fa": true, "atrás": true, "geleden": true, "temu": true, "назад": true, "тому": true, "önce": true, "sedan": true, "siden": true, "sitten": true, "前": true, "vor": true, "hace": true, "há": true, "před": true, "przed": true}
	agoBefore = map[string]bool{"vor": true, "hace": true, "há": true, "ha": true, "před": true, "przed": true}
	about     = map[string]bool{"about": true, "circa": true, "etwa": true, "ungefähr": true, "environ": true, "unos": true, "cerca": true, "de": true, "около": true, "około": true, "menos": true, "moins": true, "d": true, "'": true, "als": true, "weniger": true}
	articles  = map[string]bool{"a": true, "an": true, "one": true, "einer": true, "einem": true, "eine": true, "un": true, "une": true, "una": true, "uno": true, "um": true, "uma": true, "een": true, "одну": true, "один": true, "bir": true, "jedną": true}
	joints    = map[string]bool{",": true, "and": true, "und": true, "et": true, "y": true, "e": true, "и": true, "i": true, "ve": true}
)

var dayWords = map[string]int{
	"today": 0, "yesterday": 1, "heute": 0, "gestern": 1, "vorgestern": 2, "aujourd": 0, "hier": 1, "hoy": 0, "ayer": 1, "anteayer": 2, "oggi": 0, "ieri": 1,
	"hoje": 0, "ontem": 1, "anteontem": 2, "vandaag": 0, "gisteren": 1, "dzisiaj": 0, "dziś": 0, "wczoraj": 1, "przedwczoraj": 2, "сегодня": 0, "вчера": 1, "позавчера": 2,
	"сьогодні": 0, "вчора": 1, "bugün": 0, "dün": 1, "dnes": 0, "včera": 1, "idag": 0, "igår": 1, "tegnap": 1, "azi": 0,
	"今天": 0, "昨天": 1, "前天": 2, "今日": 0, "昨日": 1, "一昨日": 2,
}

var nowWords = map[string]bool{
	"now": true, "jetzt": true, "eben": true, "maintenant": true, "instant": true, "ahora": true, "agora": true, "adesso": true, "сейчас": true, "только": true,
	"teraz": true, "şimdi": true, "刚刚": true, "刚才": true,
}

// weekdays are the names of days, which stand alone for the last such day: "Sunday at 14:02".
var weekdays = dayNames(
	"sunday sonntag dimanche domingo domenica воскресенье niedziela pazar 星期日 星期天 周日 zondag",
	"monday montag lundi lunes lunedì понедельник poniedziałek pazartesi 星期一 周一 segunda maandag",
	"tuesday dienstag mardi martes martedì вторник wtorek salı 星期二 周二 terça dinsdag",
	"wednesday mittwoch mercredi miércoles mercoledì среда среду środa çarşamba 星期三 周三 quarta woensdag",
	"thursday donnerstag jeudi jueves giovedì четверг czwartek perşembe 星期四 周四 quinta donderdag",
	"friday freitag vendredi viernes venerdì пятница пятницу piątek cuma 星期五 周五 sexta vrijdag",
	"saturday samstag sonnabend samedi sábado sabato суббота субботу sobota cumartesi 星期六 周六 zaterdag",
)

// dayNames takes the names of each day, the first line Sunday's.
func dayNames(days ...string) map[string]time.Weekday {
	names := map[string]time.Weekday{}
	for on, list := range days {
		for _, name := range strings.Fields(list) {
			names[name] = time.Weekday(on)
		}
	}
	return names
}

// units begin the words for a stretch of time; one with = is the whole word. Months and years are as round as what a
// board says of them.
var units = []struct {
	unit  time.Duration
	begin string
}{
	{time.Second, "sec sek segund secondi сек saniye moment chwil =s 秒"},
	{time.Minute, "min мин хв dakika =m 分"},
	{time.Hour, "hour stund heure hora ora ore =uur uren godz час годин saat hodin =h 小时 小時 時間"},
	{aDay, "day =tag =tage =tagen jour día dia giorn =dag =dagen =dzień =dni дн ден gün =d 天 日前"},
	{7 * aDay, "week woche semaine semana settiman tydzi tygodni недел неделю hafta =w 周前 星期前 週間"},
	{30 * aDay, "month monat mois mes meses mese mesi mês miesi месяц =ay =ayı 个月 個月 か月"},
	{365 * aDay, "year jahr =an =ans année año anni anno ano =rok =lata =lat год лет yıl 年前"},
}

const aDay = 24 * time.Hour

// unitOf is the unit that a word is of: the longest beginning that fits.
func unitOf(text string) (unit time.Duration, known bool) {
	longest := 0
	for _, u := range unitBegins {
		if fits := text == u.begin || !u.whole && strings.HasPrefix(text, u.begin); fits && len(u.begin) > longest {
			unit, longest = u.unit, len(u.begin)
		}
	}
	return unit, longest > 0
}

type unitBegin struct {
	begin string
	whole bool
	unit  time.Duration
}

var unitBegins = listUnits()

func listUnits() []unitBegin {
	var all []unitBegin
	for _, u := range units {
		for _, begin := range strings.Fields(u.begin) {
			name, whole := strings.CutPrefix(begin, "=")
			all = append(all, unitBegin{name, whole, u.unit})
		}
	}
	return all
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
