package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/extract"
)

func TestMachine(t *testing.T) {
	for _, c := range []struct{ title, name, text, want string }{
		{"RedLine", "HU[0123456789ABCDEF0123456789ABCDEF] [2023-11-01T11_57_58.8718608-07_00]/UserInformation.txt",
			"*******\n*  a banner  *\n*******\n\nBuild ID: inv-1\nIP: 198.51.100.9\nFileLocation: C:\\Users\\jane\\AppData\\Local\\Temp\\setup.exe\nUserName: jane\nMachineName: WARD-3\nCountry: HU\nZip Code: UNKNOWN\nLocation: Budapest, Budapest\nHWID: 0123456789ABCDEF0123456789ABCDEF\nCurrent Language: English (United States)\nScreenSize: {Width=1920, Height=1080}\nTimeZone: (UTC+01:00) Belgrade, Budapest\nOperation System: Windows 10 Pro x64\nLog date: 11/1/2023 7:57:58 PM\n\nAvailable KeyboardLayouts: \nEnglish (United States)\n\nHardwares: \nName: CPU, 4 Cores\n",
			"infected=2023-11-01T19:57:58+01:00 machine=WARD-3 user=jane hwid=0123456789ABCDEF0123456789ABCDEF ip=198.51.100.9 country=HU os=Windows 10 Pro x64 malware=RedLine or META build inv-1 malware_path=C:\\Users\\jane\\AppData\\Local\\Temp\\setup.exe"},
		{"Lumma", "log/System.txt",
			"- LummaC2 Build: Oct 21 2024\n- LID: inv--1\n- Configuration: abc\n- Path: C:\\Users\\jane\\setup.exe\n\n- OS Version: Windows 11 (10.0.22631)\n- Local Date: 21.10.2024 12:11:22\n- Time Zone: UTC+2\n- HWID: 0123456789ABCDEF\n- Computer: WARD-3\n- User: jane\n- IP Address: 198.51.100.9\n- Country: DE\n",
			"infected=2024-10-21T12:11:22+02:00 machine=WARD-3 user=jane hwid=0123456789ABCDEF ip=198.51.100.9 country=DE os=Windows 11 (10.0.22631) malware=Lumma build Oct 21 2024 malware_path=C:\\Users\\jane\\setup.exe"},
		{"Vidar", "log/information.txt",
			"Version: 7.4\n\nDate: 2/3/2024 10:11:12\nMachineID: 0123-4567\nGUID: {01234567}\nHWID: 0123-4567-89\n\nPath: C:\\Users\\jane\\a.exe \nWork Dir: In memory\n\nWindows: Windows 10 Pro [x64]\nComputer Name: WARD-3\nUser Name: jane\n\n[Hardware]\nProcessor: x\n\n[Processes]\nSystem [4]\n[Software]\nUser: 7\n",
			"infected=2024-03-02T10:11:12Z machine=WARD-3 user=jane hwid=0123-4567-89 os=Windows 10 Pro [x64] malware=Vidar 7.4 malware_path=C:\\Users\\jane\\a.exe"},
		{"StealC", "log/system_info.txt",
			"Network Info:\n\t- IP: 198.51.100.9\n\t- Country: US\n\nSystem Summary:\n\t- HWID: 0123456789ABCDEF\n\t- OS: Windows 10 Home\n\t- Architecture: x64\n\t- UserName: jane\n\t- Computer Name: WARD-3\n\t- Local Time: 2024/5/7 8:9:10\n\t- UTC: -5\n\t- Running Path: C:\\Users\\jane\\b.exe\n\tInstalled Apps:\n",
			"infected=2024-05-07T08:09:10-05:00 machine=WARD-3 user=jane hwid=0123456789ABCDEF ip=198.51.100.9 country=US os=Windows 10 Home malware=StealC malware_path=C:\\Users\\jane\\b.exe"},
		{"Raccoon v1", "log/System Info.txt",
			"Raccoon stealer\nBuild compile date: Sat Feb 6 2021\nLaunched at: 2021.03.02 - 14:22:11 GMT\nBot_ID: 01234567-89ab-cdef-0123-456789abcdef_jane\n- Cookies: 12\nSystem Information:\n  - System Language: English\n  - ComputerName: WARD-3\n  - Username: jane\n  - IP: 198.51.100.9\n  - Windows version: NT 10.0\n",
			"infected=2021-03-02T14:22:11Z machine=WARD-3 user=jane hwid=01234567-89ab-cdef-0123-456789abcdef ip=198.51.100.9 os=NT 10.0 malware=Raccoon"},
		{"Raccoon v2", "log/System Info.txt",
			"User ID: 01234567-89ab-cdef-0123-456789abcdef|jane\nLast seen: 2022-07-01 10:00:00\nBuild: inv\nIP: 198.51.100.9\n",
			"infected=2022-07-01T10:00:00Z user=jane hwid=01234567-89ab-cdef-0123-456789abcdef ip=198.51.100.9 malware=build inv"},
		{"Meduza", "log/UserInfo.txt",
			"Build Name: inv\nExecute Path: C:\\x.exe\nLog Date: 04-05-2024 10:11:12\nComputer Name: WARD-3\nUser Name: jane\nIP: 198.51.100.9\n",
			"infected=2024-05-04T10:11:12Z machine=WARD-3 user=jane ip=198.51.100.9 malware=Meduza build inv malware_path=C:\\x.exe"},
		{"CryptBot", "log/_Information.txt",
			"OS: Windows 10 Pro\nLocal Date and Time: x\nDate: 2023-01-02 03:04:05\nUserName (ComputerName): jane\nIP: 198.51.100.9\n",
			"infected=2023-01-02T03:04:05Z user=jane ip=198.51.100.9 os=Windows 10 Pro malware=CryptBot"},
		{"CryptBot, two in one", "log/_Information.txt",
			"OS: Windows 10 Pro\nLocal Date and Time: 2024-06-09 10:11:12\nUTC: +2\nUserName (ComputerName): jane (WARD-3)\nIP: 198.51.100.9\n",
			"infected=2024-06-09T10:11:12+02:00 machine=WARD-3 user=jane ip=198.51.100.9 os=Windows 10 Pro malware=CryptBot"},
		{"hours of a zone without a sign", "log/system_info.txt", "- HWID: 0123\n- IP: 198.51.100.9\n- Local Time: 2024/3/9 8:7:6\n- UTC: 1\n",
			"infected=2024-03-09T08:07:06+01:00 hwid=0123 ip=198.51.100.9"},
		{"UTC and hours", "log/System.txt", "- HWID: 0123\n- IP: 198.51.100.9\n- Local Date: 05.03.2024 10:20:30\n- Time Zone: UTC1\n",
			"infected=2024-03-05T10:20:30+01:00 hwid=0123 ip=198.51.100.9"},
		{"a clock is no date", "log/System.txt", "HWID: 0123\nIP: 198.51.100.9\nTime: 10:20:30\nDate: 2024-03-05\n",
			"infected=2024-03-05T00:00:00Z hwid=0123 ip=198.51.100.9"},
		{"the product's name rather than its number", "log/System Info.txt", "ComputerName: WARD-3\nIP: 198.51.100.9\nWindows version: NT 10.0\nProduct name: Windows 10 Home\n",
			"machine=WARD-3 ip=198.51.100.9 os=Windows 10 Home"},
		{"macOS", "log/UserInformation.txt",
			"Atomic\nHardware UUID: 01234567-89AB-CDEF-0123-456789ABCDEF\nSystem Version: macOS 14.1\nUser Name: jane\nIP: 198.51.100.9\n",
			"user=jane hwid=01234567-89AB-CDEF-0123-456789ABCDEF ip=198.51.100.9 os=macOS 14.1 malware=Atomic"},
		{"unknown, with pictographs", "log/Info.txt",
			"\U0001F5A5 Computer Name: WARD-3\r\n\U0001F310 IP: 198.51.100.9\r\nDate: Wed, 01 Nov 2023 11:57:58 GMT\r\n",
			"infected=2023-11-01T11:57:58Z machine=WARD-3 ip=198.51.100.9"},
		{"written as JSON", "log/pc_info",
			"{\n  \"ComputerName\": \"WARD-3\",\n  \"UserName\": \"jane\",\n  \"IP\": \"198.51.100.9\"\n}\n",
			"machine=WARD-3 user=jane ip=198.51.100.9 malware=Acreed"},
		{"another name, many labels", "log/about.txt",
			"PC Name: WARD-3\nHWID: 0123\nIP: 198.51.100.9\nOperating System: Windows 10\n",
			"machine=WARD-3 hwid=0123 ip=198.51.100.9 os=Windows 10"},
		{"the folder settles the date", "X [2023-11-01T11_57_58]/UserInformation.txt", "MachineName: WARD-3\nIP: 198.51.100.9\nLog date: 11/1/2023 11:57:58\n",
			"infected=2023-11-01T11:57:58Z machine=WARD-3 ip=198.51.100.9"},
		{"in doubt", "log/UserInformation.txt", "MachineName: WARD-3\nIP: 198.51.100.9\nLog date: 11/1/2023 11:57:58\n",
			"infected=11/1/2023 11:57:58 machine=WARD-3 ip=198.51.100.9"},
		{"placeholders", "log/UserInformation.txt", "MachineName: UNKNOWN\nIP: UNKNOWN\nCountry: UNKNOWN\n", ""},
		{"a name alone", "log/System.txt", "To whom it may concern:\nUser: see below\n", ""},
		{"another file", "log/Passwords.txt", "URL: https://x.test\nUsername: jane\nPassword: y\n", ""},
		{"a program", "log/system.exe", "IP: 198.51.100.9\nHWID: 1\nUser: a\nComputer: b\nOS: c\n", ""},
	} {
		var got []string
		for _, f := range extract.Machine(c.name, []byte(c.text)) {
			got = append(got, f.Name+"="+f.Value)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.title, s, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"11/1/2023 7:57:58 PM", "2023-11-01T19:57:58Z"},
		{"1/11/2023 12:00:00 AM", "2023-01-11T00:00:00Z"},
		{"31/12/2023 23:59:59", "2023-12-31T23:59:59Z"},
		{"12/31/2023 23:59:59", "2023-12-31T23:59:59Z"},
		{"5/5/2023 1:02:03", "2023-05-05T01:02:03Z"},
		{"2/3/2023 1:02:03", ""},
		{"31.12.2023 23:59", "2023-12-31T23:59:00Z"},
		{"04-05-2024", "2024-05-04T00:00:00Z"},
		{"2023/1/2 3:04:05", "2023-01-02T03:04:05Z"},
		{"2023-11-01T11:57:58.8718608-07:00", "2023-11-01T11:57:58-07:00"},
		{"2023-11-01 11:57:58 UTC+2", "2023-11-01T11:57:58+02:00"},
		{"2023-11-01 11:57:58Z", "2023-11-01T11:57:58Z"},
		{"Wed, 01 Nov 2023 11:57:58 GMT", "2023-11-01T11:57:58Z"},
		{"1 November 2023 11:57:58", "2023-11-01T11:57:58Z"},
		{"Wed Nov  1 11:57:58 2023", "2023-11-01T11:57:58Z"},
		{"1698839878", "2023-11-01T11:57:58Z"},
		{"1698839878000", "2023-11-01T11:57:58Z"},
		{"30/30/2023 1:00:00", ""},
		{"31.02.2023", ""},
		{"1/2/23", ""},
		{"2023-11-01 25:00:00", ""},
		{"11/1/1987 7:57:58 PM", ""},
		{"10 minutes ago", ""},
	} {
		facts := extract.Machine("log/System.txt", fmt.Appendf(nil, "IP: 198.51.100.9\nDate: %s\n", c.written))
		want := c.want
		if want == "" {
			want = strings.Join(strings.Fields(c.written), " ")
		}
		if len(facts) != 2 || strings.Join(strings.Fields(facts[0].Value), " ") != want {
			t.Errorf("%q: got %v, want %q", c.written, facts, want)
		}
	}
}

func FuzzMachine(f *testing.F) {
	f.Add("HU[0123456789ABCDEF] [2023-11-01T11_57_58.87-07_00]/UserInformation.txt", []byte("IP: 198.51.100.9\nLog date: 11/1/2023 7:57:58 PM\nUserName: a\n"))
	f.Add("System.txt", []byte("- Time Zone: UTC-99:99\n- Date: 0000-00-00T00:00\nBot_ID: a-b-c-d-e_f\n\xff: \xfe\n"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, fact := range extract.Machine(name, text) {
			if fact.Name == "" || fact.Value == "" || strings.ContainsAny(fact.Value, "\n\x00") || strings.ToValidUTF8(fact.Value, "") != fact.Value {
				t.Fatalf("%+q", fact)
			}
		}
	})
}
