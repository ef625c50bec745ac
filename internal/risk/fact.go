package risk

// Names of facts: of a machine, as a stealer log's system file tells them, and of one record.
const (
	FactInfected    = "infected" // RFC 3339 where the writing leaves no doubt, else as written
	FactMachine     = "machine"
	FactUser        = "user"
	FactHWID        = "hwid"
	FactIP          = "ip"
	FactCountry     = "country"
	FactOS          = "os"
	FactMalware     = "malware" // family and build, as far as known
	FactMalwarePath = "malware_path"

	FactSoftware = "software" // the browser or program that kept it
	FactProfile  = "profile"
	FactCookie   = "cookie"   // its name
	FactAutofill = "autofill" // the name of the form's field
)
