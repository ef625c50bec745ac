package config

// serviceKeys are the settings that hold the keys of services, by the engine that a source's definition names.
var serviceKeys = map[string]func(Settings) Hidden{
	"hibp":                func(s Settings) Hidden { return s.HIBPKey },
	"ransomware.live-pro": func(s Settings) Hidden { return s.RansomwareLiveKey },
	"gists":               func(s Settings) Hidden { return s.GitHubToken },
}

// HasKey says that a service is read with a key, or may be.
func HasKey(service string) bool { return serviceKeys[service] != nil }

// ServiceKey is the key with which a service is read; "" = none is set.
func (s Settings) ServiceKey(service string) string {
	if key := serviceKeys[service]; key != nil {
		return key(s).Reveal()
	}
	return ""
}
