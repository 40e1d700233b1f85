package main

import (
	"fmt"
	"math"
	"math/rand"

	"github.com/prometheus/prometheus/model/histogram"
)

// What one native histogram series counts: observations per bucket index.
type nativeState struct {
	schema        int32
	zeroThreshold float64
	bounds        []float64 // schema -53
	positive      []int64   // from index `low`
	negative      []int64
	low           int32
	zero          uint64
	sum           float64
}

func newNativeState(rng *rand.Rand, custom bool) *nativeState {
	s := &nativeState{schema: int32(rng.Intn(13) - 4), zeroThreshold: []float64{1e-128, 0.001, 0.5}[rng.Intn(3)],
		low: int32(rng.Intn(9) - 4)}
	if custom {
		*s = nativeState{schema: histogram.CustomBucketsSchema, bounds: [][]float64{{0.1, 0.5, 1, 2.5}, {1, 2, 3},
			{0.5, 1, 10}, {-1, 0, 1}}[rng.Intn(4)]}
		s.positive = make([]int64, len(s.bounds)+1)
		s.begin()
		return s
	}
	for lowerBound(s.schema, s.low) < s.zeroThreshold {
		s.low++ // no bucket inside the zero bucket
	}
	s.positive = make([]int64, 3+rng.Intn(8))
	if rng.Intn(2) == 0 {
		s.negative = make([]int64, 1+rng.Intn(4))
	}
	s.begin()
	return s
}

// begin leaves something in every bucket: a chunk of Prometheus' gives all its histograms the buckets that any of them
// has, empty ones too, and where the zero bucket ends goes by whether there are buckets at all on its sides.
func (s *nativeState) begin() {
	for _, counts := range [][]int64{s.positive, s.negative} {
		for i := range counts {
			counts[i] = 1
		}
	}
}

func (s *nativeState) observe(rng *rand.Rand) {
	for _, counts := range [][]int64{s.positive, s.negative} {
		for i := range counts {
			if rng.Intn(3) == 0 {
				counts[i] += int64(rng.Intn(6))
			}
		}
	}
	if s.bounds == nil {
		s.zero += uint64(rng.Intn(2))
	}
	s.sum += rng.Float64()*10 - 1
}

func (s *nativeState) reset(rng *rand.Rand) {
	s.begin()
	s.zero, s.sum = 0, 0
	switch {
	case s.bounds != nil && rng.Intn(2) == 0:
		s.bounds = []float64{0.1, 0.5, 1, 2.5, 5}[:len(s.bounds)]
	case s.bounds == nil && rng.Intn(3) == 0:
		s.schema = int32(rng.Intn(13) - 4)
		for lowerBound(s.schema, s.low) < s.zeroThreshold {
			s.low++
		}
	}
}

func lowerBound(schema, index int32) float64 {
	return math.Exp2(float64(index-1) * math.Exp2(-float64(schema)))
}

// spansAndDeltas leaves buckets without observations out.
func spansAndDeltas(counts []int64, low int32) ([]histogram.Span, []int64) {
	var spans []histogram.Span
	var deltas []int64
	previous, lastIndex := int64(0), int32(-1)
	for i, count := range counts {
		if count == 0 {
			continue
		}
		switch index := int32(i); {
		case len(spans) == 0:
			spans = append(spans, histogram.Span{Offset: low + index, Length: 1})
		case index == lastIndex+1:
			spans[len(spans)-1].Length++
		default:
			spans = append(spans, histogram.Span{Offset: index - lastIndex - 1, Length: 1})
		}
		lastIndex = int32(i)
		deltas = append(deltas, count-previous)
		previous = count
	}
	return spans, deltas
}

func (s *nativeState) histogram() *histogram.Histogram {
	h := &histogram.Histogram{Schema: s.schema, ZeroThreshold: s.zeroThreshold, ZeroCount: s.zero, Sum: s.sum,
		Count: s.zero}
	if s.bounds != nil {
		h.CustomValues = append([]float64(nil), s.bounds...)
	}
	h.PositiveSpans, h.PositiveBuckets = spansAndDeltas(s.positive, s.low)
	h.NegativeSpans, h.NegativeBuckets = spansAndDeltas(s.negative, s.low)
	for _, counts := range [][]int64{s.positive, s.negative} {
		for _, count := range counts {
			h.Count += uint64(count)
		}
	}
	return h
}

func (m *dataMaker) native(labels map[string]string, custom, gauge, mixed bool) {
	state := newNativeState(m.rng, custom)
	asFloat := m.rng.Intn(2) == 0
	m.add(labels, func(int) sample {
		if m.rng.Intn(120) == 0 || (gauge && m.rng.Intn(10) == 0) {
			state.reset(m.rng)
		}
		state.observe(m.rng)
		if mixed && m.rng.Intn(6) == 0 {
			return sample{value: float64(m.rng.Intn(100))}
		}
		h := state.histogram()
		if gauge {
			h.CounterResetHint = histogram.GaugeType
		}
		if asFloat {
			return sample{float: h.ToFloat(nil)}
		}
		return sample{whole: h}
	})
}

func (m *dataMaker) nativeHistograms() {
	for _, job := range []string{"api", "db", "web"} {
		for instance := 0; instance < 2; instance++ {
			labels := func(name string) map[string]string {
				return map[string]string{"__name__": name, "job": job, "instance": fmt.Sprintf("host-%d:9100", instance)}
			}
			m.native(labels("request_duration"), false, false, false)
			m.native(labels("request_size"), true, false, false)
			m.native(labels("queue_depth"), false, true, false)
			m.native(labels("mixed"), m.rng.Intn(2) == 0, false, true)
		}
	}
	m.describe("request_duration", "histogram")
	m.describe("request_size", "histogram")
	m.describe("queue_depth", "histogram")
	m.describe("mixed", "histogram")
}
