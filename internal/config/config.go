// Package config owns the settings: read once from the environment (and a .env file), checked as a whole at start,
// printed without secrets.
package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"

	"github.com/wardline/wardline/internal/risk"
)

// Settings are all settings. .env.example documents each one; a test holds the two together.
type Settings struct {
	Addr        string `env:"WARDLINE_ADDR" envDefault:"127.0.0.1:8080"`
	PublicURL   string `env:"WARDLINE_PUBLIC_URL"`
	Data        string `env:"WARDLINE_DATA" envDefault:".wardline"`
	DatabaseURL string `env:"WARDLINE_DATABASE_URL"`
	KeyFile     string `env:"WARDLINE_KEY_FILE"`

	Sources string `env:"WARDLINE_SOURCES"`
	Drop    string `env:"WARDLINE_DROP"`

	DumpPasswords string `env:"WARDLINE_DUMP_PASSWORDS"`
	FloodAfter    int    `env:"WARDLINE_FLOOD_AFTER" envDefault:"10000"`

	TorProxy string `env:"WARDLINE_TOR_PROXY"`

	HIBPKey           Hidden `env:"WARDLINE_HIBP_KEY"`
	RansomwareLiveKey Hidden `env:"WARDLINE_RANSOMWARE_LIVE_KEY"`
	GitHubToken       Hidden `env:"WARDLINE_GITHUB_TOKEN"`

	S3Endpoint     string `env:"WARDLINE_S3_ENDPOINT"`
	S3Region       string `env:"WARDLINE_S3_REGION"`
	S3AccessKey    string `env:"WARDLINE_S3_ACCESS_KEY"`
	S3SecretKey    Hidden `env:"WARDLINE_S3_SECRET_KEY"`
	S3SessionToken Hidden `env:"WARDLINE_S3_SESSION_TOKEN"`
	S3PathStyle    bool   `env:"WARDLINE_S3_PATH_STYLE" envDefault:"false"`
	S3CAFile       string `env:"WARDLINE_S3_CA_FILE"`

	WatchDuty    string `env:"WARDLINE_WATCH_DUTY"`
	SMTPHost     string `env:"WARDLINE_SMTP_HOST"`
	SMTPPort     int    `env:"WARDLINE_SMTP_PORT" envDefault:"587"`
	SMTPTLS      string `env:"WARDLINE_SMTP_TLS" envDefault:"starttls"`
	SMTPUser     string `env:"WARDLINE_SMTP_USER"`
	SMTPPassword Hidden `env:"WARDLINE_SMTP_PASSWORD"`
	SMTPFrom     string `env:"WARDLINE_SMTP_FROM"`
	SMTPCAFile   string `env:"WARDLINE_SMTP_CA_FILE"`

	TLSCert string `env:"WARDLINE_TLS_CERT"`
	TLSKey  string `env:"WARDLINE_TLS_KEY"`

	RescueAfter time.Duration `env:"WARDLINE_RESCUE_AFTER" envDefault:"20m"`
	DrainFor    time.Duration `env:"WARDLINE_DRAIN_FOR" envDefault:"20s"`
	LogLevel    slog.Level    `env:"WARDLINE_LOG_LEVEL" envDefault:"info"`
	LogFormat   string        `env:"WARDLINE_LOG_FORMAT" envDefault:"text"`

	logins map[string]login // with which declared log-in forms are filled in, by the source's key
}

type login struct {
	user     string
	password Hidden
}

// loginName gives the source's key and the part that a setting such as WARDLINE_LOGIN_FORUM_F07_USER is of.
func loginName(name string) (key, part string, ok bool) {
	rest, ok := strings.CutPrefix(name, "WARDLINE_LOGIN_")
	at := strings.LastIndexByte(rest, '_')
	if !ok || at <= 0 || rest != strings.ToUpper(rest) {
		return "", "", false
	}
	key, part = strings.ToLower(strings.ReplaceAll(rest[:at], "_", "-")), rest[at+1:]
	return key, part, part == "USER" || part == "PASSWORD"
}

// readLogins reads the accounts of sources: each has a user and a password.
func readLogins(environment map[string]string) map[string]login {
	found := map[string]login{}
	for name, value := range environment {
		key, part, ok := loginName(name)
		if !ok || value == "" {
			continue
		}
		l := found[key]
		if part == "USER" {
			l.user = value
		} else {
			l.password = Hidden{&value}
		}
		found[key] = l
	}
	return found
}

func (s Settings) checkLogins(found *problemList) {
	for _, key := range slices.Sorted(maps.Keys(s.logins)) {
		if l := s.logins[key]; l.user == "" || l.password.Reveal() == "" {
			name := "WARDLINE_LOGIN_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
			found.add(name+"_USER", "give the account and %s_PASSWORD together", name)
		}
	}
}

// Account is with what the log-in form of a source is filled in; false when none is set.
func (s Settings) Account(source string) (risk.Account, bool) {
	l, ok := s.logins[source]
	return risk.Account{User: l.user, Password: risk.NewSecret(risk.SecretPlain, l.password.Reveal())}, ok
}

// Hidden is a secret setting; it prints as "[set]" or "".
type Hidden struct{ text *string }

// UnmarshalText reads the setting.
func (h *Hidden) UnmarshalText(b []byte) error {
	if len(b) > 0 {
		s := string(b)
		h.text = &s
	}
	return nil
}

// Reveal gives the secret to the adapter that needs it.
func (h Hidden) Reveal() string {
	if h.text == nil {
		return ""
	}
	return *h.text
}

func (h Hidden) String() string {
	if h.text == nil {
		return ""
	}
	return "[set]"
}

// GoString keeps %#v from printing the secret.
func (h Hidden) GoString() string { return h.String() }

// Read reads the environment, after a .env file in the working directory if there is one (the environment wins).
// The error lists every problem at once.
func Read() (Settings, error) {
	if err := loadFile(".env"); err != nil {
		return Settings{}, err
	}
	return FromEnvironment(env.ToMap(os.Environ()))
}

// loadFile adds the settings of a file to the environment; one that is there already stays. The parser's own error is
// not passed on: it quotes the file from the broken line on, and with it the mail server's password.
func loadFile(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if _, err := godotenv.UnmarshalBytes(text); err != nil {
		return fmt.Errorf("%s%s: a line must be NAME=value, with quotes closed, or begin with #", path, brokenLine(string(text)))
	}
	if err := godotenv.Load(path); err != nil {
		return fmt.Errorf("%s: settings cannot be put into the environment", path)
	}
	return nil
}

// brokenLine is ":7" for the first line after which the file is no longer understood; "" = it cannot be told.
func brokenLine(text string) string {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if _, err := godotenv.Unmarshal(line); err != nil {
			return ":" + strconv.Itoa(number)
		}
	}
	return ""
}

// FromEnvironment reads settings from the given environment only.
func FromEnvironment(environment map[string]string) (Settings, error) {
	var s Settings
	err := env.ParseWithOptions(&s, env.Options{Environment: environment})
	s.fillIn()
	s.logins = readLogins(environment)
	found := unknown(environment)
	wrong := unreadable(err, environment)
	for _, problem := range s.problems() {
		name, _, _ := strings.Cut(problem.Error(), ":")
		if wrong[name] == nil {
			found = append(found, problem)
		}
	}
	told := make([]error, 0, len(wrong))
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		told = append(told, wrong[name])
	}
	return s, errors.Join(append(told, found...)...)
}

// unreadable are the settings whose text is not of their type, by name.
func unreadable(err error, environment map[string]string) map[string]error {
	found := map[string]error{}
	var all env.AggregateError
	if err != nil && !errors.As(err, &all) {
		found[""] = err
	}
	for _, e := range all.Errors {
		var wrong env.ParseError
		if !errors.As(e, &wrong) {
			found[""] = e
			continue
		}
		field, _ := reflect.TypeFor[Settings]().FieldByName(wrong.Name)
		name := field.Tag.Get("env")
		found[name] = fmt.Errorf("%s: %q is not %s", name, environment[name], shapes[field.Type])
	}
	return found
}

// shapes say what the text of a setting must be.
var shapes = map[reflect.Type]string{
	reflect.TypeFor[int]():           "a whole number",
	reflect.TypeFor[bool]():          "true or false",
	reflect.TypeFor[time.Duration](): "a duration such as 20s or 15m",
	reflect.TypeFor[slog.Level]():    "debug, info, warn or error",
}

// fromRoot makes a folder's path one that holds in any working folder: it is kept with what was read there.
func fromRoot(folder string) string {
	if strings.HasPrefix(folder, "s3://") {
		return folder
	}
	if whole, err := filepath.Abs(folder); err == nil {
		return whole
	}
	return folder
}

// fillIn derives what was left open from what was given.
func (s *Settings) fillIn() {
	if s.DatabaseURL == "" {
		s.DatabaseURL = filepath.Join(s.Data, "wardline.db")
	}
	if s.KeyFile == "" {
		s.KeyFile = filepath.Join(s.Data, "keys.json")
	}
	if s.Drop == "" {
		s.Drop = filepath.Join(s.Data, "drop")
	}
	s.Drop = fromRoot(s.Drop)
	if s.PublicURL == "" {
		s.ServeAt(s.Addr)
	}
	s.PublicURL = strings.TrimSuffix(s.PublicURL, "/")
	if s.S3Endpoint != "" && !strings.Contains(s.S3Endpoint, "://") {
		s.S3Endpoint = "https://" + s.S3Endpoint
	}
}

// problems lists all that is wrong with the settings taken together.
func (s Settings) problems() []error {
	var found problemList
	s.checkAddresses(&found)
	s.checkMail(&found)
	s.checkS3(&found)
	s.checkLogins(&found)
	if s.LogFormat != "text" && s.LogFormat != "json" {
		found.add("WARDLINE_LOG_FORMAT", "%q is not text or json", s.LogFormat)
	}
	if !proxyAddress(s.TorProxy) {
		found.add("WARDLINE_TOR_PROXY", "%q is not HOST:PORT or unix:/PATH, such as 127.0.0.1:9050", s.TorProxy)
	}
	if s.DumpPasswords != "" {
		if info, err := os.Stat(s.DumpPasswords); err != nil || !info.Mode().IsRegular() {
			found.add("WARDLINE_DUMP_PASSWORDS", "%s is no file that can be read", s.DumpPasswords)
		}
	}
	if s.FloodAfter < 1 {
		found.add("WARDLINE_FLOOD_AFTER", "%d is not a number from 1", s.FloodAfter)
	}
	if s.RescueAfter < time.Second {
		found.add("WARDLINE_RESCUE_AFTER", "%s is too short", s.RescueAfter)
	}
	return found
}

type problemList []error

func (l *problemList) add(name, format string, args ...any) {
	*l = append(*l, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// checkAddresses holds the address that is listened on against the one that people use: neither may carry sessions in
// clear beyond this machine.
func (s Settings) checkAddresses(found *problemList) {
	host, port, err := net.SplitHostPort(s.Addr)
	if _, noPort := strconv.ParseUint(port, 10, 16); err != nil || noPort != nil {
		found.add("WARDLINE_ADDR", "%q is not HOST:PORT, such as 127.0.0.1:8080", s.Addr)
		return // the public address is made from it
	}
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		found.add("WARDLINE_PUBLIC_URL", "%q is not an http or https address", s.PublicURL)
	} else if u.Scheme == "http" && !risk.IsLoopback(u.Hostname()) && s.PublicURL != publicURL(s.Addr, s.TLSCert) {
		found.add("WARDLINE_PUBLIC_URL", "%s would send sessions in clear: use https for anything but this machine", s.PublicURL)
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		found.add("WARDLINE_TLS_CERT", "give the certificate and WARDLINE_TLS_KEY together, or neither")
	} else if s.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey); err != nil {
			found.add("WARDLINE_TLS_CERT", "the certificate and its key cannot be used: %v", err)
		}
	}
	if err == nil && s.TLSCert == "" && u.Scheme == "http" && !risk.IsLoopback(host) {
		found.add("WARDLINE_ADDR", "%s listens beyond this machine without TLS: set WARDLINE_TLS_CERT and WARDLINE_TLS_KEY, or an https WARDLINE_PUBLIC_URL served by a proxy", s.Addr)
	}
}

func (s Settings) checkMail(found *problemList) {
	if s.WatchDuty != "" && !strings.Contains(s.WatchDuty, "@") {
		found.add("WARDLINE_WATCH_DUTY", "is not an e-mail address")
	}
	if s.SMTPPort < 1 || s.SMTPPort > 65535 {
		found.add("WARDLINE_SMTP_PORT", "%d is not a port", s.SMTPPort)
	}
	if s.SMTPHost != "" && !strings.Contains(s.SMTPFrom, "@") {
		found.add("WARDLINE_SMTP_FROM", "give the sender's address when WARDLINE_SMTP_HOST is set")
	}
	switch s.SMTPTLS {
	case "starttls", "tls":
	case "none":
		if s.SMTPHost != "" && !risk.IsLoopback(s.SMTPHost) {
			found.add("WARDLINE_SMTP_TLS", "none is for a mail server on this machine only")
		}
	default:
		found.add("WARDLINE_SMTP_TLS", "%q is not starttls, tls or none", s.SMTPTLS)
	}
}

// checkS3 keeps dumps from crossing a network in clear.
func (s Settings) checkS3(found *problemList) {
	if strings.HasPrefix(s.Drop, "s3://") && s.S3Endpoint == "" {
		found.add("WARDLINE_S3_ENDPOINT", "give the store's address when WARDLINE_DROP is in one")
	}
	if s.S3Endpoint == "" {
		return
	}
	u, err := url.Parse(s.S3Endpoint)
	switch {
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https"):
		found.add("WARDLINE_S3_ENDPOINT", "is not an address such as https://s3.example.org")
	case u.Scheme == "http" && !risk.IsLoopback(u.Hostname()):
		found.add("WARDLINE_S3_ENDPOINT", "http is for a store on this machine only: %s would send dumps in clear", u.Host)
	}
	if (s.S3AccessKey == "") != (s.S3SecretKey.Reveal() == "") {
		found.add("WARDLINE_S3_ACCESS_KEY", "give the key and WARDLINE_S3_SECRET_KEY together, or neither for a public bucket")
	}
}

func proxyAddress(a string) bool {
	if path, ok := strings.CutPrefix(a, "unix:"); ok {
		return filepath.IsAbs(path)
	}
	host, port, err := net.SplitHostPort(a)
	return a == "" || err == nil && host != "" && port != ""
}

// unknown names WARDLINE_ variables that no setting reads: most are misspelt.
func unknown(environment map[string]string) []error {
	known := map[string]bool{"WARDLINE_TOOLS": true, "WARDLINE_PICTURES": true, "WARDLINE_KILL_BYTES": true} // read by the tests
	for _, name := range Names() {
		known[name] = true
	}
	var found []error
	for name := range environment {
		if _, _, ok := loginName(name); ok {
			continue
		}
		if strings.HasPrefix(name, "WARDLINE_") && !known[name] {
			found = append(found, fmt.Errorf("%s: no such setting; see .env.example", name))
		}
	}
	return found
}

// Names are the environment variables of all settings, in order.
func Names() []string {
	params, err := env.GetFieldParams(&Settings{})
	if err != nil {
		panic(err) // the struct's own tags are wrong
	}
	names := make([]string, 0, len(params))
	for _, p := range params {
		names = append(names, p.Key)
	}
	return names
}

// Duty is the watch duty, who gets every alert; no address = nobody.
func (s Settings) Duty() risk.Person { return risk.Person{Name: "Watch duty", Email: s.WatchDuty} }

// Secure reports whether browsers reach the portal over https.
func (s Settings) Secure() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// LogValue is what may be printed at start.
func (s Settings) LogValue() slog.Value {
	database := "sqlite"
	if u, err := url.Parse(s.DatabaseURL); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		database = "postgres"
	}
	return slog.GroupValue(
		slog.String("addr", s.Addr), slog.String("public_url", s.PublicURL), slog.String("data", s.Data),
		slog.String("database", database), slog.Bool("tor", s.TorProxy != ""), slog.Bool("mail", s.SMTPHost != ""),
		slog.Bool("watch_duty", s.WatchDuty != ""), slog.Bool("tls", s.TLSCert != ""), slog.Bool("s3", s.S3Endpoint != ""))
}

// SendMailTo points the settings at a mail server on this machine, host:port.
func (s *Settings) SendMailTo(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", address, err)
	}
	s.SMTPHost = host
	s.SMTPPort, err = strconv.Atoi(port)
	return err
}

// ServeAt sets the address to listen on, and by it the address that people use.
func (s *Settings) ServeAt(address string) {
	s.Addr, s.PublicURL = address, publicURL(address, s.TLSCert)
}

func publicURL(address, cert string) string {
	scheme := "http://"
	if cert != "" {
		scheme = "https://"
	}
	return scheme + strings.Replace(address, "127.0.0.1:", "localhost:", 1)
}
