package store

import (
	"github.com/wardline/wardline/internal/risk"
)

type floodRow struct {
	FileID     int64  `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	SupplierID int64  `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	Kind       string `gorm:"column:kind;primaryKey"`
	Class      string `gorm:"column:class;primaryKey"`
	Kept       int64  `gorm:"column:kept"`
	Counted    int64  `gorm:"column:counted"`
	Told       int64  `gorm:"column:told"`
	Since      stamp  `gorm:"column:since"`
	Last       stamp  `gorm:"column:last"`
}

func (floodRow) TableName() string { return "floods" }

func newFloodRow(f risk.Flood) floodRow {
	return floodRow{FileID: f.FileID, SupplierID: f.SupplierID, Kind: string(f.Kind), Class: string(f.Class), Kept: f.Kept, Counted: f.Counted,
		Told: f.Told, Since: at(f.Since), Last: at(f.Last)}
}

func (r floodRow) flood() risk.Flood {
	return risk.Flood{FileID: r.FileID, SupplierID: r.SupplierID, Kind: risk.IndicatorKind(r.Kind), Class: risk.Class(r.Class), Kept: r.Kept,
		Counted: r.Counted, Told: r.Told, Since: r.Since.Time, Last: r.Last.Time}
}

type repeatRow struct {
	ExposureID int64 `gorm:"column:exposure_id;primaryKey;autoIncrement:false"`
	FileID     int64 `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	Counted    int64 `gorm:"column:counted"`
}

func (repeatRow) TableName() string { return "repeats" }
