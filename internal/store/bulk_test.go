package store

import (
	"database/sql/driver"
	"reflect"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

// TestRowsGiveTheirColumnsInOrder holds what a row says of itself to what gorm reads of its fields.
func TestRowsGiveTheirColumnsInOrder(t *testing.T) {
	exposure := newExposureRow(filled[risk.Exposure](nil))
	sighting := newSightingRow(filled[risk.Sighting](nil))
	for _, row := range []valuer{&exposure, &sighting, &exposureRow{}, &sightingRow{}} {
		value := reflect.ValueOf(row).Elem()
		columns, err := columnsOf(value.Interface())
		if err != nil {
			t.Fatal(err)
		}
		got, want := row.appendValues(nil), columns.appendValues(t.Context(), nil, value)
		if len(got) != len(columns.fields) {
			t.Fatalf("%T gives %d values for %d columns", row, len(got), len(columns.fields))
		}
		for i, f := range columns.fields {
			if g, w := bound(t, got[i]), bound(t, want[i]); !reflect.DeepEqual(g, w) {
				t.Errorf("%T: column %s is %#v, its field holds %#v", row, f.DBName, g, w)
			}
		}
	}
}

// bound is a value as a driver gets it.
func bound(t *testing.T, v any) any {
	t.Helper()
	out, err := driver.DefaultParameterConverter.ConvertValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
