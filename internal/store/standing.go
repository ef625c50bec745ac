package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// settle decides about suppliers from what is true inside tx and saves what follows. It returns how many messages it
// put into the outbox.
func (s *Store) settle(ctx context.Context, tx *gorm.DB, suppliers []int64, now time.Time, decide risk.Decide) (int, error) {
	if len(suppliers) == 0 {
		return 0, nil
	}
	covered, err := coverage(tx, now)
	if err != nil {
		return 0, err
	}
	messages := 0
	for _, id := range suppliers {
		st, err := standing(ctx, tx, id, now)
		if err != nil {
			return 0, err
		}
		st.Coverage = covered
		follows, err := decide(st)
		if err != nil {
			return 0, fmt.Errorf("decide about supplier %d: %w", id, err)
		}
		follows.Score.SupplierID = id
		follows.Score.At = orTime(follows.Score.At, now)
		if err := saveScore(ctx, tx, follows.Score); err != nil {
			return 0, err
		}
		n, err := s.saveAlerts(ctx, tx, follows.Alerts, now)
		if err != nil {
			return 0, err
		}
		messages += n
		if slices.ContainsFunc(follows.Alerts, func(a risk.Alert) bool { return a.ExposureID == 0 }) {
			if err := floodsTold(tx, id); err != nil {
				return 0, err
			}
		}
		if err := decided(ctx, tx, id, follows.Again); err != nil {
			return 0, err
		}
	}
	return messages, nil
}

func standing(ctx context.Context, tx *gorm.DB, supplierID int64, now time.Time) (risk.Standing, error) {
	sup, err := findSupplier(tx.Where("id = ?", supplierID), tx, supplierID)
	if err != nil {
		return risk.Standing{}, err
	}
	out := risk.Standing{Supplier: sup}
	if out.Previous, err = previousScore(tx, supplierID); err != nil {
		return risk.Standing{}, err
	}
	if out.Evidence, err = evidence(tx, supplierID); err != nil {
		return risk.Standing{}, err
	}
	if out.Unalerted, err = unalerted(tx, sup); err != nil {
		return risk.Standing{}, err
	}
	if out.Told, err = toldOf(ctx, tx, out.Unalerted); err != nil {
		return risk.Standing{}, err
	}
	if out.Floods, err = untoldFloods(tx, supplierID); err != nil {
		return risk.Standing{}, err
	}
	if out.Counted, err = onlyCounted(tx, supplierID); err != nil {
		return risk.Standing{}, err
	}
	out.Alerts, out.Digest, err = recentAlerts(tx, supplierID, now)
	return out, err
}
