package sample

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// planted are the lines of seeds/demo/drop.yaml.
type planted struct {
	ULP     []string `yaml:"ulp"`
	Combo   []string `yaml:"combo"`
	Stealer string   `yaml:"stealer"`
}

// noiseLines is how many invented lines surround the planted ones in a dump file.
const noiseLines = 20_000

// WriteDrop writes three sample dump files into a folder, which it makes when missing: a url:login:password list, a
// combolist, and a zipped stealer log. The bytes are the same on every run.
func WriteDrop(dir string) error {
	var p planted
	if err := load("drop.yaml", &p); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the drop folder: %w", err)
	}
	log, err := stealerLog(p.Stealer)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(2, 7))
	for name, data := range map[string][]byte{
		"ulp-mix-november.txt": among(p.ULP, func(n int) string { return fmt.Sprintf("https://%s/login:%s:%s", host(r), login(r, n), word(r)) }),
		"combo-health-eu.txt":  among(p.Combo, func(n int) string { return login(r, n) + ":" + word(r) }),
		"log-[XX]4471.zip":     log,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return fmt.Errorf("write a sample dump: %w", err)
		}
	}
	return nil
}

// among spreads the planted lines evenly through noise.
func among(planted []string, noise func(int) string) []byte {
	var out bytes.Buffer
	every := noiseLines / (len(planted) + 1)
	for n := range noiseLines {
		if i := n/every - 1; n%every == 0 && i >= 0 && i < len(planted) {
			out.WriteString(planted[i] + "\n")
		}
		out.WriteString(noise(n) + "\n")
	}
	return out.Bytes()
}

var (
	syllables = []string{"bra", "kel", "mon", "tir", "sa", "vel", "do", "rin", "pas", "lo", "fen", "gar", "mi", "tus", "ola"}
	noiseTLD  = []string{"example", "test", "invalid"}
)

func word(r *rand.Rand) string {
	var b strings.Builder
	for range 2 + r.IntN(3) {
		b.WriteString(syllables[r.IntN(len(syllables))])
	}
	return b.String()
}

func host(r *rand.Rand) string { return word(r) + "." + noiseTLD[r.IntN(len(noiseTLD))] }

func login(r *rand.Rand, n int) string { return fmt.Sprintf("%s%d@%s", word(r), n, host(r)) }

func stealerLog(passwords string) ([]byte, error) {
	const dir = "XX[4471AB] [2026-11-21T08_12_44]/"
	files := []struct{ name, text string }{
		{"Passwords.txt", "*****************\n* invented log *\n*****************\n\n" + passwords},
		{"UserInformation.txt", "Build ID: sample\nIP: 198.51.100.77\nUserName: s.ibarra\nMachineName: WARD-PC-12\nCountry: XX\nLog date: 11/21/2026 8:12:44 AM\n"},
		{"Cookies/Google_[Chrome]_Default_Network.txt", ".video.castlerun.test\tTRUE\t/\tTRUE\t1795000000\tsession\tinvented-cookie-value\n"},
		{"ProcessList.txt", "ID: 4, Name: System\nID: 880, Name: browser\n"},
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: dir + f.name, Method: zip.Deflate, Modified: time.Date(2026, 11, 21, 8, 12, 44, 0, time.UTC)})
		if err != nil {
			return nil, fmt.Errorf("write the sample stealer log: %w", err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			return nil, fmt.Errorf("write the sample stealer log: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write the sample stealer log: %w", err)
	}
	return out.Bytes(), nil
}
