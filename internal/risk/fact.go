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

	FactVictim  = "victim"  // of a leak post, as it is named there
	FactGroup   = "group"   // who claims it
	FactVolume  = "volume"  // what is said to be taken
	FactWebsite = "website" // the victim's own

	FactBreach   = "breach"   // the leak that a service names
	FactTaken    = "taken"    // kinds of data in it
	FactWithheld = "withheld" // "password": it is in the leak, and the service does not give it
	FactCount    = "count"    // accounts or log-ins that a finding without a name stands for
)
