package collect_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

const hibpKey = "00112233445566778899aabbccddeeff"

const hibpStatus = `{"SubscriptionName":"Core 1","Description":"","SubscribedUntil":"2027-03-01T00:00:00Z","Rpm":60000,"DomainSearchMaxBreachedAccounts":100,"MaxBreachedDomains":null,"IncludesStealerLogs":true}`

const hibpCatalogue = `[
	{"Name":"Adobe","Title":"Adobe","Domain":"adobe.example","BreachDate":"2013-10-04","AddedDate":"2013-12-04T00:00:00Z","ModifiedDate":"2022-05-15T23:52:49Z","PwnCount":152445165,"Description":"In <em>2013</em>, accounts","DataClasses":["Email addresses","Passwords"],"IsVerified":true},
	{"Name":"Spam","Title":"Spam list","Domain":"","BreachDate":"2020-01-01","AddedDate":"2020-01-02T00:00:00Z","DataClasses":["Email addresses"],"IsSpamList":true},
	{"Name":"Fake","Title":"Fake","Domain":"","IsFabricated":true},
	{"Name":"Meridian","Title":"Meridian Lab","Domain":"meridian-lab.example","BreachDate":"2026-09-01","AddedDate":"2026-11-01T10:00:00Z","PwnCount":120,"Description":"Results","DataClasses":["Health records"]}]`

func hibpService(t *testing.T) *service {
	return newService(t, map[string]answer{
		"/api/v3/subscription/status": {body: hibpStatus},
		"/api/v3/subscribeddomains":   {body: `[{"DomainName":"StMary.example","PwnCount":3,"PwnCountExcludingSpamLists":2,"NextSubscriptionRenewal":"2027-03-01T00:00:00Z"},{"DomainName":"big.example","PwnCount":101}]`},
		"/api/v3/breaches":            {body: hibpCatalogue},

		"/api/v3/breacheddomain/stmary.example":             {body: `{"jdoe":["Adobe","Spam"],"anna":["Meridian","Hidden"]}`},
		"/api/v3/stealerlogsbyemaildomain/stmary.example":   {body: `{"jdoe":["netflix.example","vpn.stmary.example"]}`},
		"/api/v3/stealerlogsbywebsitedomain/stmary.example": {body: `["patient@mail.example"]`},
	})
}

func accountSource(engine, address string, domains ...string) risk.Source {
	src := serviceSource(risk.SourceAccount, engine, address)
	for _, d := range domains {
		src.Read.Domains = append(src.Read.Domains, risk.Domain{Name: d, Basis: "TXT record of 2026-11-02"})
	}
	return src
}

func leakedIn(m *memory) []risk.LeakedAccount {
	var out []risk.LeakedAccount
	for _, p := range m.pages {
		out = append(out, p.Leaked...)
	}
	return out
}

func TestHIBPTellsAccountsOfProvenDomains(t *testing.T) {
	s := hibpService(t)
	col, m := keyedCollector(t, s.URL, hibpKey), newMemory()
	src := accountSource("hibp", s.URL+"/api/v3", "stmary.example", "ledgerly.example")
	report := mustCrawl(t, col, src, m)
	for _, r := range s.asked {
		if r.Header.Get("hibp-api-key") != hibpKey || r.Header.Get("User-Agent") == "" || r.Method != http.MethodGet {
			t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
		}
	}
	equal(t, "asked for", s.taken(), []string{"/api/v3/subscription/status", "/api/v3/subscribeddomains", "/api/v3/breaches", "/api/v3/breacheddomain/stmary.example",
		"/api/v3/stealerlogsbyemaildomain/stmary.example", "/api/v3/stealerlogsbywebsitedomain/stmary.example"})
	day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	want := []risk.LeakedAccount{
		{Key: "hibp breach anna@stmary.example Meridian", Account: "anna@stmary.example", Domain: "stmary.example", Host: "meridian-lab.example", Leaked: day("2026-09-01"), Posted: time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC),
			Facts: []risk.Fact{{Name: risk.FactBreach, Value: "Meridian Lab"}, {Name: risk.FactTaken, Value: "Health records"}}},
		{Key: "hibp breach anna@stmary.example Hidden", Account: "anna@stmary.example", Domain: "stmary.example", Facts: []risk.Fact{{Name: risk.FactBreach, Value: "Hidden"}}},
		{Key: "hibp breach jdoe@stmary.example Adobe", Account: "jdoe@stmary.example", Domain: "stmary.example", Host: "adobe.example", Secret: true, Leaked: day("2013-10-04"), Posted: day("2013-12-04"),
			Facts: []risk.Fact{{Name: risk.FactBreach, Value: "Adobe"}, {Name: risk.FactTaken, Value: "Email addresses, Passwords"}}},
		{Key: "hibp stealer jdoe@stmary.example netflix.example", Account: "jdoe@stmary.example", Domain: "stmary.example", Host: "netflix.example", Stolen: true, Secret: true},
		{Key: "hibp stealer jdoe@stmary.example vpn.stmary.example", Account: "jdoe@stmary.example", Domain: "stmary.example", Host: "vpn.stmary.example", Stolen: true, Secret: true},
		{Key: "hibp stealer patient@mail.example stmary.example", Account: "patient@mail.example", Domain: "stmary.example", Host: "stmary.example", Stolen: true, Secret: true},
	}
	if got := leakedIn(m); !reflect.DeepEqual(got, want) {
		t.Errorf("accounts\n %+v\nwant\n %+v", got, want)
	}
	equal(t, "catalogue", titles(m.items), []string{
		"Adobe|Adobe|adobe.example\nIn 2013, accounts\nBreached 2013-10-04, 152445165 accounts: Email addresses, Passwords.",
		"Spam list|Spam|Breached 2020-01-01, 0 accounts: Email addresses.",
		"Meridian Lab|Meridian|meridian-lab.example\nResults\nBreached 2026-09-01, 120 accounts: Health records."})
	equal(t, "said", report.Said, []string{"the subscription Core 1 allows 60000 requests a minute, until 2027-03-01T00:00:00Z", "big.example has 101 breached accounts, more than the subscription answers for (100)"})
	equal(t, "not asked about", report.NotUnderstood, []string{"ledgerly.example: it is not proven at the service, and was not asked about"})

	// The same answers are nothing new; one more account is one more.
	m.pages, m.items = nil, nil
	if report = mustCrawl(t, col, src, m); report.New != 0 || report.Unchanged != 6 || len(leakedIn(m)) != 0 {
		t.Errorf("again: %+v", report)
	}
	s.say("/api/v3/breacheddomain/stmary.example", answer{body: `{"jdoe":["Adobe"],"anna":["Meridian","Hidden"],"zoe":["Adobe"]}`})
	if report = mustCrawl(t, col, src, m); report.New != 1 || leakedIn(m)[0].Account != "zoe@stmary.example" {
		t.Errorf("one more: %+v", report)
	}
}

func TestHIBPWithoutFindingsIsNotSilence(t *testing.T) {
	s := hibpService(t)
	for _, at := range []string{"breacheddomain", "stealerlogsbyemaildomain", "stealerlogsbywebsitedomain"} {
		s.say("/api/v3/"+at+"/stmary.example", answer{status: 404, body: ""})
	}
	m := newMemory()
	report := mustCrawl(t, keyedCollector(t, s.URL, hibpKey), accountSource("hibp", s.URL+"/api/v3", "stmary.example"), m)
	if report.Pages != 6 || len(leakedIn(m)) != 0 || len(report.NotUnderstood) != 0 {
		t.Errorf("%+v", report)
	}
}

// What the subscription does not hold is said, and not asked for.
func TestHIBPObeysTheSubscription(t *testing.T) {
	s := hibpService(t)
	s.say("/api/v3/subscription/status", answer{body: strings.ReplaceAll(hibpStatus, `"IncludesStealerLogs":true`, `"IncludesStealerLogs":false`)})
	report := mustCrawl(t, keyedCollector(t, s.URL, hibpKey), accountSource("hibp", s.URL+"/api/v3", "stmary.example"), newMemory())
	if got := s.taken(); len(got) != 4 {
		t.Errorf("asked for %q", got)
	}
	if len(report.Said) != 3 || report.Said[1] != "the subscription has no stealer logs: they are not asked for" {
		t.Errorf("said %q", report.Said)
	}
	for perMinute, want := range map[int]time.Duration{10: 6 * time.Second, 500: 120 * time.Millisecond, 0: time.Minute, -3: time.Minute} {
		if got := collect.PaceOf(perMinute); got != want {
			t.Errorf("%d a minute: %s, want %s", perMinute, got, want)
		}
	}
}

func TestRefusalsOfHIBP(t *testing.T) {
	const status, list, breached = "/api/v3/subscription/status", "/api/v3/subscribeddomains", "/api/v3/breacheddomain/stmary.example"
	for _, c := range []struct {
		name, at string
		says     answer
		kind     risk.FailureKind
		wait     time.Duration
	}{
		{"wrong key", status, answer{status: 401, body: `{"statusCode":401,"message":"Access denied due to invalid hibp-api-key."}`}, risk.FailDenied, 0},
		{"no user agent", status, answer{status: 403, body: ""}, risk.FailStatus, 0},
		{"no subscription", status, answer{status: 404, body: ""}, risk.FailDenied, 0},
		{"a text with status 200", status, answer{kind: "text/plain", body: "Your subscription DOES NOT HAVE ACCESS to this API"}, risk.FailDenied, 0},
		{"another answer", status, answer{body: `{"message":"hello"}`}, risk.FailLayout, 0},
		{"ended", status, answer{body: strings.Replace(hibpStatus, "2027-03-01", "2026-03-01", 1)}, risk.FailDenied, 0},
		{"nothing proven", list, answer{body: `[]`}, risk.FailDenied, 0},
		{"nothing proven, by status", list, answer{status: 404}, risk.FailDenied, 0},
		{"too fast", breached, answer{status: 429, body: `{"statusCode":429,"message":"Rate limit is exceeded. Try again in 2 seconds."}`, header: http.Header{"Retry-After": {"2"}}}, risk.FailStatus, 2 * time.Second},
		{"not our domain after all", breached, answer{status: 403, body: ""}, risk.FailStatus, 0},
		{"a list where an object is due", breached, answer{body: `[]`}, risk.FailLayout, 0},
		{"an empty catalogue", "/api/v3/breaches", answer{body: `[]`}, risk.FailDenied, 0},
	} {
		s := hibpService(t)
		s.say(c.at, c.says)
		m := newMemory()
		_, err := keyedCollector(t, s.URL, hibpKey).Crawl(t.Context(), accountSource("hibp", s.URL+"/api/v3", "stmary.example"), m.known, m.visit)
		fetch := wantKind(t, err, c.kind)
		if fetch.RetryAfter != c.wait || len(leakedIn(m)) > 0 || strings.Contains(err.Error(), hibpKey) {
			t.Errorf("%s: %v, wait %s, accounts %+v", c.name, err, fetch.RetryAfter, leakedIn(m))
		}
	}
}

// Without a key, without a domain, over plain http to another machine: nothing is sent.
func TestAccountServicesFailClosed(t *testing.T) {
	s := hibpService(t)
	for name, try := range map[string]struct {
		src risk.Source
		key string
	}{
		"no key":             {accountSource("hibp", s.URL+"/api/v3", "stmary.example"), ""},
		"no domain":          {accountSource("hibp", s.URL+"/api/v3"), hibpKey},
		"no https":           {accountSource("hibp", "http://service.example/api/v3", "stmary.example"), hibpKey},
		"a key of two lines": {accountSource("hibp", s.URL+"/api/v3", "stmary.example"), hibpKey + "\r\nX: y"},
	} {
		m := newMemory()
		_, err := keyedCollector(t, s.URL, try.key).Crawl(t.Context(), try.src, m.known, m.visit)
		wantKind(t, err, risk.FailDenied)
		if got := s.taken(); len(got) > 0 {
			t.Errorf("%s: asked for %q", name, got)
		}
	}
}

const hudsonDomain = `{"total":21,"totalStealers":30000000,"employees":3,"users":5,"third_parties":2,"last_employee_compromised":"2026-10-01T08:00:00.000Z","last_user_compromised":"2026-11-02T09:00:00.000Z",
	"antiviruses":{},"applications":[],"employeePasswords":{"totalPass":3,"too_weak":{"qty":1}},"thirdPartyDomains":[{"domain":null,"occurrence":2}],"stealerFamilies":{"total":8,"RedLine":6,"Lumma":2},
	"data":{"employees_urls":[{"occurrence":2,"type":"employee","url":"https://vpn.stmary.example/login"},{"occurrence":1,"type":"employee","url":"https://••••.stmary.example/"}],
		"clients_urls":[{"occurrence":5,"type":"client","url":"https://portal.stmary.example/a"},{"occurrence":4,"type":"client","url":"https://portal.stmary.example/b"}],"all_urls":[]}}`

func TestHudsonRockCountsByHost(t *testing.T) {
	s := newService(t, map[string]answer{
		"/osint-tools/search-by-domain?domain=stmary.example":   {body: hudsonDomain},
		"/osint-tools/search-by-domain?domain=ledgerly.example": {body: `{"total":0,"totalStealers":30000000,"employees":0,"users":0,"third_parties":0,"last_employee_compromised":null,"last_user_compromised":null,"data":{"employees_urls":[],"clients_urls":[],"all_urls":[]}}`},
	})
	m := newMemory()
	src := accountSource("hudsonrock", s.URL+"/osint-tools", "stmary.example", "ledgerly.example")
	report := mustCrawl(t, newCollector(t, s.URL), src, m)
	employee, user := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	facts := []risk.Fact{{Name: risk.FactMalware, Value: "Lumma, RedLine"}}
	want := []risk.LeakedAccount{
		{Key: "hudsonrock stmary.example employee ", Domain: "stmary.example", Class: risk.ClassEmployee, Stolen: true, Secret: true, Count: 1, Leaked: employee, Facts: facts},
		{Key: "hudsonrock stmary.example employee vpn.stmary.example", Domain: "stmary.example", Host: "vpn.stmary.example", Class: risk.ClassEmployee, Stolen: true, Secret: true, Count: 2, Leaked: employee, Facts: facts},
		{Key: "hudsonrock stmary.example customer portal.stmary.example", Domain: "stmary.example", Host: "portal.stmary.example", Class: risk.ClassCustomer, Stolen: true, Secret: true, Count: 9, Leaked: user, Facts: facts},
	}
	if got := leakedIn(m); !reflect.DeepEqual(got, want) {
		t.Errorf("accounts\n %+v\nwant\n %+v", got, want)
	}
	equal(t, "said", report.Said, []string{"stmary.example: 2 log-ins of its people at other sites, which the service does not name"})
	if len(report.NotUnderstood) != 0 {
		t.Errorf("%+v", report)
	}
}

func TestRefusalsOfHudsonRock(t *testing.T) {
	for name, c := range map[string]struct {
		says answer
		kind risk.FailureKind
	}{
		"too fast":        {answer{status: 429, header: http.Header{"Retry-After": {"10"}}}, risk.FailStatus},
		"not there":       {answer{status: 404, body: "{}"}, risk.FailLayout},
		"a message":       {answer{body: `{"message":"Please contact sales"}`}, risk.FailLayout},
		"a refusal":       {answer{body: `{"error":"Unauthorized"}`}, risk.FailDenied},
		"a waiting page":  {answer{kind: "text/html", body: "<html>Checking your browser</html>"}, risk.FailCaptcha},
		"an empty answer": {answer{body: ""}, risk.FailLayout},
	} {
		s := newService(t, map[string]answer{"/search-by-domain?domain=stmary.example": c.says})
		m := newMemory()
		_, err := newCollector(t, s.URL).Crawl(t.Context(), accountSource("hudsonrock", s.URL, "stmary.example"), m.known, m.visit)
		t.Log(name)
		wantKind(t, err, c.kind)
	}
}
