package store

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/wardline/wardline/internal/risk"
)

// allRows is every row struct; the schema must hold these columns and no others.
var allRows = []any{
	supplierRow{}, termRow{}, sourceRow{}, healthRow{}, runRow{}, dayRow{}, captureRow{}, markRow{}, fileRow{}, exposureRow{}, sightingRow{},
	eventRow{}, scoreRow{}, contributionRow{}, alertRow{}, alertExposureRow{}, messageRow{}, userRow{}, sessionRow{}, settingRow{}, undecidedRow{}, floodRow{},
	repeatRow{}, watchlistRow{}, huntRow{}, wholeReadRow{}, nameReadRow{},
}

// nullable are the columns that may be unknown; every other one is NOT NULL.
var nullable = strings.Fields(`suppliers.baa_signed suppliers.contract_end sources.review_by source_health.last_run source_health.last_success
	source_health.last_document source_health.next_run files.modified files.started files.updated files.finished exposures.account exposures.duplicate_of
	exposures.owner_id exposures.looked exposures.usable_until sightings.posted sightings.file_id floods.since floods.last exposure_events.actor_id contributions.exposure_id contributions.first_seen contributions.last_seen
	contributions.clears_on alerts.supplier_id alerts.exposure_id alerts.source_id messages.next_try messages.claimed messages.sent users.last_sign_in`)

// unique are the unique indexes beside primary keys.
var unique = strings.Fields(`suppliers(name_key) watch_terms(supplier_id,kind,value) sources(key) files(source_id,path_key) users(email)
	exposures(fingerprint) sightings(exposure_id,key) alerts(key) messages(key)`)

func init() { bodies["schema is what the row structs expect"] = testSchema }

func testSchema(t *testing.T, s *Store) {
	tables, err := s.writer.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, row := range allRows {
		want = append(want, row.(schema.Tabler).TableName())
		checkColumns(t, s, row)
	}
	want = append(want, "goose_db_version", "test_jobs")
	if s.dialect == dialectSQLite {
		want = append(want, "sqlite_sequence")
	}
	sort.Strings(want)
	sort.Strings(tables)
	if fmt.Sprint(tables) != fmt.Sprint(want) {
		t.Errorf("tables\n got %v\nwant %v", tables, want)
	}
	checkUnique(t, s)
}

func checkColumns(t *testing.T, s *Store, row any) {
	t.Helper()
	parsed, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		t.Fatal(err)
	}
	types, err := s.writer.Migrator().ColumnTypes(parsed.Table)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]gorm.ColumnType{}
	for _, c := range types {
		found[c.Name()] = c
	}
	for _, f := range parsed.Fields {
		column, ok := found[f.DBName]
		if !ok {
			t.Errorf("%s has no column %s", parsed.Table, f.DBName)
			continue
		}
		delete(found, f.DBName)
		if f.TagSettings["COLUMN"] != f.DBName {
			t.Errorf("%s.%s has no column tag", parsed.Table, f.Name)
		}
		if got, want := strings.ToLower(column.DatabaseTypeName()), classOf(t, s.dialect, f.FieldType); got != want {
			t.Errorf("%s.%s is %s, the row struct needs %s", parsed.Table, f.DBName, got, want)
		}
		mayBeNull := false
		for _, n := range nullable {
			mayBeNull = mayBeNull || n == parsed.Table+"."+f.DBName
		}
		if null, known := column.Nullable(); known && null != mayBeNull {
			t.Errorf("%s.%s: NULL allowed %v, want %v", parsed.Table, f.DBName, null, mayBeNull)
		}
	}
	for name := range found {
		t.Errorf("%s.%s is in no row struct", parsed.Table, name)
	}
}

// classOf is the column type that a field of a row struct needs.
func classOf(t *testing.T, dialect string, field reflect.Type) string {
	t.Helper()
	class := map[reflect.Kind]int{
		reflect.Bool: 0, reflect.Int: 1, reflect.Int64: 1, reflect.Float64: 2, reflect.String: 3, reflect.Slice: 4,
	}
	i, ok := class[field.Kind()]
	switch {
	case field == reflect.TypeOf(stamp{}):
		i = 1
	case strings.HasPrefix(field.Name(), "doc["):
		i = 5
	case !ok:
		t.Fatalf("no class for %s", field)
	}
	if dialect == dialectPostgres {
		return []string{"bool", "int8", "float8", "text", "bytea", "json"}[i]
	}
	return []string{"integer", "integer", "real", "text", "blob", "text"}[i]
}

func checkUnique(t *testing.T, s *Store) {
	t.Helper()
	q := `SELECT m.tbl_name || '(' || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(m.name) ORDER BY seqno)) || ')'
		FROM sqlite_master AS m JOIN pragma_index_list(m.tbl_name) AS l ON l.name = m.name WHERE m.type = 'index' AND l."unique" = 1 AND l.origin = 'c'`
	if s.dialect == dialectPostgres {
		q = `SELECT t.relname || '(' || (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(att, n)
			JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.att) || ')' FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
			WHERE i.indisunique AND NOT i.indisprimary AND t.relnamespace = 'public'::regnamespace`
	}
	var got []string
	if err := s.reader.Raw(q).Scan(&got).Error; err != nil {
		t.Fatal(err)
	}
	want := append([]string{}, unique...)
	sort.Strings(want)
	sort.Strings(got)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("unique indexes\n got %v\nwant %v", got, want)
	}
}

// fill sets every field of a struct to a value that no other field has.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, *n, 123456000, time.UTC)))
		return
	case *time.Time:
		t := time.Date(2025, 1, 1, 0, 0, *n, 654321000, time.UTC)
		v.Set(reflect.ValueOf(&t))
		return
	case time.Duration:
		v.SetInt(int64(time.Duration(*n) * time.Microsecond))
		return
	case risk.Secret: // never in a row
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 1.0/3)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{byte(*n), 0, 255})
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		key, val := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(val, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, val)
	default:
		panic("fill: " + v.Type().String())
	}
}

// filled is a T whose every field is set, except those that blank takes away because other tables fill them on reading.
func filled[T any](blank func(*T)) T {
	var v T
	n := 0
	fill(reflect.ValueOf(&v).Elem(), &n)
	if blank != nil {
		blank(&v)
	}
	return v
}

// throughDatabase writes a row, reads it back and converts it.
func throughDatabase[R, T any](t *testing.T, s *Store, want T, row R, convert func(R) T) {
	t.Helper()
	tx := s.writer.Begin()
	defer tx.Rollback()
	// Only the row is under test here, not what it refers to.
	off := "PRAGMA defer_foreign_keys = ON"
	if s.dialect == dialectPostgres {
		off = "SET LOCAL session_replication_role = replica"
	}
	if err := tx.Exec(off).Error; err != nil {
		t.Fatal(err)
	}
	if err := tx.Create(&row).Error; err != nil {
		t.Fatalf("%T: %v", row, err)
	}
	var back R
	if err := tx.Take(&back).Error; err != nil {
		t.Fatalf("%T: %v", row, err)
	}
	if got := convert(back); !reflect.DeepEqual(got, want) {
		t.Errorf("%T came back as\n got %+v\nwant %+v", want, got, want)
	}
}

// alert converts back, which nothing but the test below asks for; what an alert covers is in a table of its own.
func (r alertRow) alert(exposures []int64) risk.Alert {
	return risk.Alert{
		ID: r.ID, Key: r.Key, Kind: risk.AlertKind(r.Kind), SupplierID: int64(r.SupplierID), ExposureID: int64(r.ExposureID), Exposures: exposures,
		SourceID: int64(r.SourceID), Decided: r.Decided.Time, To: r.Recipients.v, Notice: r.Notice.v,
	}
}

func init() { bodies["every field survives"] = testEveryField }

func testEveryField(t *testing.T, s *Store) {
	sup := filled(func(v *risk.Supplier) { v.Terms = nil })
	throughDatabase(t, s, sup, newSupplierRow(sup), supplierRow.supplier)
	term := filled[risk.WatchTerm](nil)
	throughDatabase(t, s, term, newTermRow(term), func(r termRow) risk.WatchTerm { return r.term(term.Supplier) })
	src := filled(func(s *risk.Source) { s.Session = risk.SourceSession{} })
	throughDatabase(t, s, src, newSourceRow(src), sourceRow.source)
	c := filled[risk.Capture](nil)
	throughDatabase(t, s, c, newCaptureRow(c), captureRow.capture)
	f := filled[risk.File](nil)
	throughDatabase(t, s, f, newFileRow(f), fileRow.file)
	e := filled(func(v *risk.Exposure) { v.Supplier, v.Tier, v.SourceName, v.Owner = "", 0, "", "" })
	throughDatabase(t, s, e, newExposureRow(e), exposureRow.exposure)
	sight := filled[risk.Sighting](nil)
	throughDatabase(t, s, sight, newSightingRow(sight), func(r sightingRow) risk.Sighting { return r.sighting(sight.SourceName) })
	fl := filled(func(v *risk.Flood) { v.Path, v.Supplier = "", "" })
	throughDatabase(t, s, fl, newFloodRow(fl), floodRow.flood)
	ev := filled[risk.ExposureEvent](nil)
	throughDatabase(t, s, ev, newEventRow(ev), func(r eventRow) risk.ExposureEvent { return r.event(ev.Actor) })
	sc := filled(func(v *risk.Score) { v.Contributions = nil })
	throughDatabase(t, s, sc, newScoreRow(sc), scoreRow.score)
	con := filled[risk.Contribution](nil)
	throughDatabase(t, s, con, newContributionRow(7, 3, con), contributionRow.contribution)
	a := filled[risk.Alert](nil)
	throughDatabase(t, s, a, newAlertRow(a), func(r alertRow) risk.Alert { return r.alert(a.Exposures) })
	m := filled[risk.Message](nil)
	throughDatabase(t, s, m, newMessageRow(m), messageRow.message)
	u := filled[risk.User](nil)
	throughDatabase(t, s, u, newUserRow(u), userRow.user)
	ses := filled[risk.Session](nil)
	throughDatabase(t, s, ses, newSessionRow(ses), sessionRow.session)
}

func init() { bodies["hostile text is kept clean"] = testHostileText }

func testHostileText(t *testing.T, s *Store) {
	e := filled(func(v *risk.Exposure) {
		v.Supplier, v.Tier, v.SourceName, v.Owner = "", 0, "", ""
		v.Excerpt, v.Title, v.Host = "a\x00b\xffc", "caf\xe9", "x\x00"
	})
	want := e
	want.Excerpt, want.Title, want.Host = "a\uFFFDb\uFFFDc", "caf\uFFFD", "x\uFFFD"
	throughDatabase(t, s, want, newExposureRow(e), exposureRow.exposure)
}

func TestLongKeysFitAnIndexAndStayApart(t *testing.T) {
	long := strings.Repeat("é", 3000)
	a, b := indexed(long+"a"), indexed(long+"b")
	if len(a) > maxKey || a == b || a != indexed(long+"a") {
		t.Errorf("indexed gave %d bytes, apart %v, stable %v", len(a), a != b, a == indexed(long+"a"))
	}
	if indexed("caf\xe9.txt") == indexed("caf\xe8.txt") || indexed("caf\xe9.txt") == indexed("caf\uFFFD.txt") {
		t.Error("two names that are no UTF-8 became one key")
	}
	if got := indexed("https://paste.example/raw/1"); got != "https://paste.example/raw/1" {
		t.Errorf("a short key became %q", got)
	}
}
