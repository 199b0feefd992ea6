package record

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Seconds is a duration that is encoded in JSON as a number of seconds, rounded to the microsecond.
type Seconds time.Duration

// MarshalJSON writes a number of seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	rounded := time.Duration(s).Round(time.Microsecond).Seconds()
	return strconv.AppendFloat(nil, rounded, 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of seconds.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var v float64
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("read %s as seconds: %w", text, err)
	}
	*s = Seconds(math.Round(v*1e6)) * Seconds(time.Microsecond)
	return nil
}

// String formats the duration with tenths of a second.
func (s Seconds) String() string { return fmt.Sprintf("%.1f s", time.Duration(s).Seconds()) }

// Each returns the times as Seconds.
func Each(ds []time.Duration) []Seconds {
	all := make([]Seconds, len(ds))
	for i, d := range ds {
		all[i] = Seconds(d)
	}
	return all
}
