package extract

import (
	"bytes"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// machineLabels are the labels of system files by their letters and digits, whatever family writes them.
var machineLabels = map[string]string{
	"logdate": risk.FactInfected, "localtime": risk.FactInfected, "localdate": risk.FactInfected, "date": risk.FactInfected, "launchedat": risk.FactInfected,
	"infectiondate": risk.FactInfected, "infected": risk.FactInfected, "lastseen": risk.FactInfected, "reportdate": risk.FactInfected, "datetime": risk.FactInfected,
	"currenttime": risk.FactInfected, "systemtime": risk.FactInfected, "logtime": risk.FactInfected, "timestamp": risk.FactInfected, "started": risk.FactInfected,
	"localdateandtime": risk.FactInfected, "localdatetime": risk.FactInfected, "dateandtime": risk.FactInfected, "time": risk.FactInfected,
	"machinename": risk.FactMachine, "computername": risk.FactMachine, "pcname": risk.FactMachine, "computer": risk.FactMachine, "hostname": risk.FactMachine,
	"netbios": risk.FactMachine, "netbiosname": risk.FactMachine, "devicename": risk.FactMachine, "desktopname": risk.FactMachine, "pc": risk.FactMachine,
	"username": risk.FactUser, "user": risk.FactUser, "currentuser": risk.FactUser, "windowsuser": risk.FactUser, "osuser": risk.FactUser, "usernamecomputername": labelOwner,
	"hwid": risk.FactHWID, "machineid": risk.FactHWID, "hardwareid": risk.FactHWID, "machineguid": risk.FactHWID, "hardwareuuid": risk.FactHWID, "uuid": risk.FactHWID,
	"botid": risk.FactHWID, "userid": risk.FactHWID,
	"ip": risk.FactIP, "ipaddress": risk.FactIP, "externalip": risk.FactIP, "publicip": risk.FactIP,
	"country": risk.FactCountry, "countrycode": risk.FactCountry, "geo": risk.FactCountry,
	"os": risk.FactOS, "operationsystem": risk.FactOS, "operatingsystem": risk.FactOS, "windows": risk.FactOS, "windowsversion": risk.FactOS, "osversion": risk.FactOS,
	"osname": risk.FactOS, "windowsname": risk.FactOS, "macosversion": risk.FactOS, "systemversion": risk.FactOS, "productname": risk.FactOS,
	"buildid": labelBuild, "build": labelBuild, "lid": labelBuild, "lidlummaid": labelBuild, "lummac2build": labelBuild, "buildname": labelBuild, "buildtag": labelBuild,
	"version": labelVersion, "lummac2": labelVersion,
	"filelocation": risk.FactMalwarePath, "executepath": risk.FactMalwarePath, "runningpath": risk.FactMalwarePath, "executablepath": risk.FactMalwarePath,
	"path": risk.FactMalwarePath, "filepath": risk.FactMalwarePath, "startpath": risk.FactMalwarePath, "startuppath": risk.FactMalwarePath, "runpath": risk.FactMalwarePath,
	"timezone": labelZone, "systemtimezone": labelZone, "utc": labelZone,
}

// labels that become part of another fact
const (
	labelBuild   = "build"
	labelVersion = "version"
	labelZone    = "zone"
	labelOwner   = "owner" // a user, and the machine in brackets
)

// machineOrder is how the facts of a machine are listed.
var machineOrder = []string{risk.FactInfected, risk.FactMachine, risk.FactUser, risk.FactHWID, risk.FactIP, risk.FactCountry, risk.FactOS, risk.FactMalware, risk.FactMalwarePath}

// systemNames are what the names of system files hold, by their letters and digits.
var systemNames = []string{"systeminfo", "sysinfo", "userinfo", "information", "pcinfo", "machineinfo", "computerinfo"}

const (
	maxSystemFile  = 32 << 10 // is looked at
	maxSystemLines = 200
	maxMachineFact = 200 // bytes
	namedEnough    = 2   // facts that make a system file of one that is named so
	enough         = 4   // of any other text
)

// Machine reads the system file of a stealer log: when and what the malware was, and on which machine. name is the
// file's path in the log, whose folders may tell more. It gives nil for any other file: the name must be one that such
// files have and the labels too, or there must be many of these.
func Machine(name string, text []byte) []risk.Fact {
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	if ext := path.Ext(base); ext != ".txt" && ext != ".log" && ext != ".json" && ext != "" {
		return nil
	}
	least := enough
	if isSystemName(base) {
		least = namedEnough
	}
	found := readMachine(text[:min(len(text), maxSystemFile)])
	if found.machineOnly() < least {
		return nil
	}
	found.nameMalware(name, text)
	found.date()
	folder := folderFacts(name)
	var facts []risk.Fact
	for _, want := range machineOrder {
		value := found[want]
		if other := folder[want]; value == "" || want == risk.FactInfected && other != "" && !isRFC3339(value) {
			value = other
		}
		if value != "" {
			facts = append(facts, risk.Fact{Name: want, Value: value})
		}
	}
	return facts
}

func isSystemName(base string) bool {
	letters := lettersOf(strings.TrimSuffix(base, path.Ext(base)))
	if letters == "system" || letters == "info" || letters == "ip" {
		return true
	}
	for _, name := range systemNames {
		if strings.Contains(letters, name) {
			return true
		}
	}
	return false
}

// lettersOf are the letters and digits of a name, in lower case.
func lettersOf(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= utf8.RuneSelf:
			return c
		case c >= 'A' && c <= 'Z':
			return c | 0x20
		}
		return -1
	}, name)
}

// machine holds the values of a system file under the names of facts, and of labels that become part of one.
type machine map[string]string

func readMachine(text []byte) machine {
	found := machine{}
	for range maxSystemLines {
		line, rest, more := bytes.Cut(text, newline)
		text = rest
		if endsMachine(line) {
			break
		}
		found.readLine(line)
		if !more {
			break
		}
	}
	return found
}

// endsMachine tells the heading of what follows upon the machine's own facts: lists of programs, which may hold anything.
func endsMachine(line []byte) bool {
	if len(line) > 40 {
		return false
	}
	switch lettersOf(string(line)) {
	case "processes", "processlist", "runningprocesses", "software", "installedapps", "installedsoftware", "installedprograms":
		return true
	}
	return false
}

// readLine reads "- Label: value", with or without the bullet, quotes, or a comma behind it.
func (m machine) readLine(line []byte) {
	i := bytes.IndexAny(line, ":=")
	if i <= 0 || i > 40 {
		return
	}
	fact, known := machineLabels[lettersOf(string(line[:i]))]
	if !known {
		fact, known = machineLabels[lettersOf(afterMark(string(line[:i])))]
	}
	value := machineValue(line[i+1:])
	better := fact == risk.FactHWID && lettersOf(string(line[:i])) == risk.FactHWID || // than "Machine ID"
		fact == risk.FactOS && strings.HasPrefix(m[fact], "NT ") // a number, which the product's name follows
	if !known || value == "" || m[fact] != "" && !better || !plausible(fact, value) {
		return
	}
	switch fact {
	case risk.FactHWID:
		value = m.splitID(value)
	case labelOwner:
		user, computer, _ := strings.Cut(strings.TrimSuffix(value, ")"), "(")
		m[risk.FactUser], m[risk.FactMachine] = strings.TrimSpace(user), strings.TrimSpace(computer)
		return
	}
	m[fact] = value
}

// afterMark drops what is no letter of a Latin label in front of it, such as a pictograph.
func afterMark(label string) string {
	return strings.TrimLeftFunc(label, func(c rune) bool { return c >= utf8.RuneSelf || c <= '@' })
}

func machineValue(b []byte) string {
	b = bytes.Trim(b, " \t\r\"',")
	if isPlaceholder(b) || len(b) > maxMachineFact {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, clean(b))
}

// plausible refuses values that a label of several meanings has in other files.
func plausible(fact, value string) bool {
	switch fact {
	case risk.FactMalwarePath:
		return strings.ContainsAny(value, `\/`)
	case risk.FactIP:
		return strings.Count(value, ".") >= 3 || strings.Count(value, ":") >= 2
	case risk.FactInfected:
		return strings.ContainsAny(value, "0123456789") && (strings.Trim(value, "0123456789: ") != "" || !strings.Contains(value, ":"))
	}
	return true
}

// splitID takes the user off an id such as GUID_user or guid|user, as Raccoon writes it.
func (m machine) splitID(value string) string {
	i := strings.IndexByte(value, '|')
	if i < 0 && strings.Count(value, "-") == 4 { // a GUID holds no _
		i = strings.IndexByte(value, '_')
	}
	if i <= 0 || i == len(value)-1 {
		return value
	}
	if m[risk.FactUser] == "" {
		m[risk.FactUser] = value[i+1:]
	}
	return value[:i]
}

// machineOnly counts facts that other files do not have as well.
func (m machine) machineOnly() int {
	n := 0
	for _, name := range []string{risk.FactInfected, risk.FactMachine, risk.FactUser, risk.FactHWID, risk.FactIP, risk.FactCountry, risk.FactOS, risk.FactMalwarePath, labelBuild} {
		if m[name] != "" {
			n++
		}
	}
	return n
}

// families are the names of malware as its files write them, and what it is called.
var families = []struct{ mark, name string }{
	{"lummac2", "Lumma"}, {"lumma", "Lumma"}, {"redline", "RedLine"}, {"stealc", "StealC"}, {"vidar", "Vidar"}, {"raccoon", "Raccoon"},
	{"rhadamanthys", "Rhadamanthys"}, {"risepro", "RisePro"}, {"meduza", "Meduza"}, {"cryptbot", "CryptBot"}, {"acreed", "Acreed"},
	{"atomic", "Atomic"}, {"mystic", "Mystic"}, {"aurora", "Aurora"}, {"whitesnake", "WhiteSnake"}, {"phemedrone", "Phemedrone"},
}

// signs tell families that do not name themselves by labels that they alone write.
var signs = []struct {
	labels []string
	name   string
}{
	{[]string{"filelocation", "hwid", "buildid"}, "RedLine or META"},
	{[]string{"machineid", "guid", "workdir"}, "Vidar"},
	{[]string{"networkinfo", "systemsummary"}, "StealC"},
	{[]string{"buildcompiledate", "launchedat"}, "Raccoon"},
	{[]string{"buildname", "executepath"}, "Meduza"},
}

const banner = 2 << 10 // where a family names itself

func (m machine) nameMalware(name string, text []byte) {
	var parts []string
	if family := familyOf(name, text); family != "" {
		parts = append(parts, family)
		if version := m[labelVersion]; version != "" {
			parts = append(parts, version)
		}
	}
	if build := m[labelBuild]; build != "" {
		parts = append(parts, "build "+build)
	}
	m[risk.FactMalware] = strings.Join(parts, " ")
}

func familyOf(name string, text []byte) string {
	top := strings.ToLower(string(text[:min(len(text), banner)]))
	for _, f := range families {
		if strings.Contains(top, f.mark) {
			return f.name
		}
	}
	have := map[string]bool{}
	for line := range strings.SplitSeq(top, "\n") {
		label, _, _ := strings.Cut(line, ":")
		have[lettersOf(label)] = true
	}
	for _, s := range signs {
		all := true
		for _, label := range s.labels {
			all = all && have[label]
		}
		if all {
			return s.name
		}
	}
	switch base := strings.ToLower(path.Base(name)); base {
	case "_information.txt":
		return "CryptBot"
	case "pc_info", "pc_info.txt":
		return "Acreed"
	}
	return ""
}

// date normalises the date of infection. Vidar writes the day first where others leave it in doubt.
func (m machine) date() {
	if m[risk.FactInfected] == "" {
		return
	}
	dayFirst := strings.HasPrefix(m[risk.FactMalware], "Vidar")
	if at, ok := parseDate(m[risk.FactInfected], dayFirst, ownZone(m[labelZone])); ok {
		m[risk.FactInfected] = at
	}
}

// ownZone is the zone that a system file names: as others do, or as hours alone, as in "UTC2", "1" and "-8 hrs".
func ownZone(value string) *time.Location {
	hours := strings.TrimLeft(strings.TrimPrefix(value, "UTC"), " ")
	if hours != "" && isDigit(hours[0]) {
		return zoneOf("+" + hours)
	}
	return zoneOf(value)
}

// folderFacts are what the folder of a log is named after, as in "HU[4F2A…] [2023-11-01T11_57_58.87-07_00]".
func folderFacts(name string) machine {
	found := machine{}
	folders := strings.Split(strings.ReplaceAll(name, `\`, "/"), "/")
	for i := len(folders) - 2; i >= 0; i-- {
		folder := folders[i]
		for open := strings.IndexByte(folder, '['); open >= 0; open = strings.IndexByte(folder, '[') {
			inner, rest, closed := strings.Cut(folder[open+1:], "]")
			if !closed {
				break
			}
			found.readBrackets(strings.TrimSpace(folder[:open]), inner)
			folder = rest
		}
		if found[risk.FactInfected] != "" {
			return found
		}
	}
	return found
}

func (m machine) readBrackets(before, inner string) {
	if at, ok := parseDate(strings.ReplaceAll(inner, "_", ":"), false, zoneOf("")); ok {
		m[risk.FactInfected] = at
		return
	}
	const shortest = 16
	if len(inner) < shortest || !isHex([]byte(strings.ReplaceAll(inner, "-", ""))) || m[risk.FactHWID] != "" {
		return
	}
	m[risk.FactHWID] = inner
	if len(before) == 2 && isLetter(before[0]) && isLetter(before[1]) {
		m[risk.FactCountry] = before
	}
}

// machineFacts are those that a block comes with, else what the folder of its log is named after.
func machineFacts(b risk.Block) []risk.Fact {
	if b.Facts != nil {
		return b.Facts
	}
	name := b.Place.Entry
	if name == "" {
		name = b.Place.Path
	}
	if strings.IndexByte(name, '[') < 0 {
		return nil
	}
	found := folderFacts(name)
	var facts []risk.Fact
	for _, want := range machineOrder {
		if value := found[want]; value != "" {
			facts = append(facts, risk.Fact{Name: want, Value: value})
		}
	}
	return facts
}
