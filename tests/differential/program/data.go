package main

import (
	"fmt"
	"math"
	"math/rand"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
)

// A sample is a float, or a histogram when one of the two is set.
type sample struct {
	t     int64
	value float64
	whole *histogram.Histogram
	float *histogram.FloatHistogram
}

type writtenSeries struct {
	labels  map[string]string
	samples []sample
}

// What questions need to know to be worth asking.
type metric struct {
	name   string
	kind   string              // counter, gauge, bucket, histogram, info, odd
	labels map[string][]string // values that occur
}

type dataset struct {
	start, end int64 // milliseconds
	series     []writtenSeries
	metrics    []metric
}

func (d *dataset) sampleCount() int {
	count := 0
	for _, s := range d.series {
		count += len(s.samples)
	}
	return count
}

const dataLength = 3 * 60 * 60 * 1000

type dataMaker struct {
	rng  *rand.Rand
	data *dataset
}

// generateData makes some two hundred series that between them have what makes queries hard: resets, gaps, stale
// markers, series that begin late or end early, jittered and irregular times, special values, classic and native
// histograms of many layouts, floats and histograms in one series, labels beyond ASCII.
func generateData(rng *rand.Rand, start int64) *dataset {
	m := &dataMaker{rng: rng, data: &dataset{start: start, end: start + dataLength}}
	m.counters()
	m.gauges()
	m.classicHistograms()
	m.nativeHistograms()
	m.infoSeries()
	m.oddities()
	return m.data
}

func (m *dataMaker) pick(values ...string) string { return values[m.rng.Intn(len(values))] }

// times gives the moments of one series: a regular scrape with jitter, gaps, a late begin, an early end. The second
// result tells where a stale marker ends the run before a gap.
func (m *dataMaker) times() ([]int64, map[int64]bool) {
	intervals := []int64{15_000, 30_000, 60_000, 10_000, 7_000}
	interval := intervals[m.rng.Intn(len(intervals))]
	first := m.data.start + m.rng.Int63n(interval)
	last := m.data.end
	if m.rng.Intn(5) == 0 {
		first += m.rng.Int63n(dataLength / 2)
	}
	if m.rng.Intn(5) == 0 {
		last -= m.rng.Int63n(dataLength / 2)
	}
	jitter := int64(0)
	if m.rng.Intn(3) == 0 {
		jitter = interval / 3
	}
	gapEvery := []int{0, 0, 40, 120}[m.rng.Intn(4)]
	stale := map[int64]bool{}
	var times []int64
	previous := int64(0)
	for t := first; t < last; t += interval {
		at := t
		if jitter > 0 {
			at += m.rng.Int63n(jitter)
		}
		if at <= previous {
			continue
		}
		previous = at
		times = append(times, at)
		if gapEvery > 0 && m.rng.Intn(gapEvery) == 0 {
			if m.rng.Intn(2) == 0 {
				stale[at] = true
			}
			t += interval * (1 + m.rng.Int63n(60))
		}
	}
	return times, stale
}

func (m *dataMaker) add(labels map[string]string, next func(i int) sample) {
	times, stale := m.times()
	s := writtenSeries{labels: labels}
	for i, t := range times {
		one := next(i)
		one.t = t
		if stale[t] {
			one = staleLike(one)
		}
		s.samples = append(s.samples, one)
	}
	if len(s.samples) > 0 {
		m.data.series = append(m.data.series, s)
	}
}

// A stale marker of the sample's own type.
func staleLike(s sample) sample {
	marker := math.Float64frombits(value.StaleNaN)
	switch {
	case s.whole != nil:
		return sample{t: s.t, whole: &histogram.Histogram{Sum: marker}}
	case s.float != nil:
		return sample{t: s.t, float: &histogram.FloatHistogram{Sum: marker}}
	}
	return sample{t: s.t, value: marker}
}

func (m *dataMaker) describe(name, kind string) {
	found := metric{name: name, kind: kind, labels: map[string][]string{}}
	seen := map[string]bool{}
	for _, s := range m.data.series {
		if s.labels["__name__"] != name {
			continue
		}
		for k, v := range s.labels {
			if k != "__name__" && !seen[k+"\xff"+v] {
				seen[k+"\xff"+v] = true
				found.labels[k] = append(found.labels[k], v)
			}
		}
	}
	for _, values := range found.labels {
		sort.Strings(values)
	}
	m.data.metrics = append(m.data.metrics, found)
}

func (m *dataMaker) counters() {
	for _, job := range []string{"api", "db", "web"} {
		for instance := 0; instance < 3; instance++ {
			for _, code := range []string{"200", "404", "500"} {
				total, rate := m.rng.Float64()*1000, m.rng.Float64()*100
				whole := m.rng.Intn(2) == 0
				m.add(map[string]string{"__name__": "http_requests_total", "job": job,
					"instance": fmt.Sprintf("host-%d:9100", instance), "code": code}, func(int) sample {
					total += m.rng.Float64() * rate
					if m.rng.Intn(100) == 0 {
						total = m.rng.Float64() * rate
					}
					if whole {
						total = math.Floor(total)
					}
					return sample{value: total}
				})
			}
		}
	}
	for instance := 0; instance < 3; instance++ {
		for _, mode := range []string{"idle", "user", "system"} {
			total := 0.0
			m.add(map[string]string{"__name__": "cpu_seconds_total", "cpu": "0", "mode": mode,
				"instance": fmt.Sprintf("host-%d:9100", instance)}, func(int) sample {
				total += math.Round(m.rng.Float64()*1500) / 100
				return sample{value: total}
			})
		}
	}
	m.describe("http_requests_total", "counter")
	m.describe("cpu_seconds_total", "counter")
}

func (m *dataMaker) gauges() {
	for _, job := range []string{"api", "db"} {
		for instance := 0; instance < 3; instance++ {
			level := m.rng.NormFloat64() * 1e6
			m.add(map[string]string{"__name__": "memory_bytes", "job": job,
				"instance": fmt.Sprintf("host-%d:9100", instance)}, func(int) sample {
				level += m.rng.NormFloat64() * 1e4
				return sample{value: math.Trunc(level)}
			})
			m.add(map[string]string{"__name__": "up", "job": job,
				"instance": fmt.Sprintf("host-%d:9100", instance)}, func(int) sample {
				return sample{value: float64(min(m.rng.Intn(8), 1))}
			})
		}
	}
	for _, room := range []string{"hall", "attic", "cellar", "Küche"} {
		m.add(map[string]string{"__name__": "temperature_celsius", "room": room, "floor": m.pick("1", "2", "10", "-1")},
			func(i int) sample {
				return sample{value: 20*math.Sin(float64(i)/50) + m.rng.NormFloat64()}
			})
	}
	m.describe("memory_bytes", "gauge")
	m.describe("up", "gauge")
	m.describe("temperature_celsius", "gauge")
}

func (m *dataMaker) classicHistograms() {
	for _, path := range []string{"/", "/login", "/static"} {
		bounds := []string{"0.1", "0.5", "1", "2.5", "+Inf"}
		if path == "/static" {
			bounds = []string{"0.20", "1", "5", "1e1"} // no +Inf, other spellings
		}
		// One clock for the buckets of a histogram, as a scrape has; the values cumulate.
		times, _ := m.times()
		counts := make([]float64, len(bounds))
		all := make([]writtenSeries, len(bounds))
		for b, le := range bounds {
			all[b].labels = map[string]string{"__name__": "latency_seconds_bucket", "path": path, "le": le}
		}
		sum := writtenSeries{labels: map[string]string{"__name__": "latency_seconds_sum", "path": path}}
		count := writtenSeries{labels: map[string]string{"__name__": "latency_seconds_count", "path": path}}
		total := 0.0
		for _, t := range times {
			if m.rng.Intn(200) == 0 {
				clear(counts)
				total = 0
			}
			cumulated := 0.0
			for b := range bounds {
				counts[b] += float64(m.rng.Intn(5))
				cumulated += counts[b]
				v := cumulated
				if m.rng.Intn(400) == 0 {
					v -= 3 // not monotonic, as a torn scrape
				}
				all[b].samples = append(all[b].samples, sample{t: t, value: v})
			}
			total += m.rng.Float64() * 10
			sum.samples = append(sum.samples, sample{t: t, value: total})
			count.samples = append(count.samples, sample{t: t, value: cumulated})
		}
		m.data.series = append(m.data.series, all...)
		m.data.series = append(m.data.series, sum, count)
	}
	m.describe("latency_seconds_bucket", "bucket")
	m.describe("latency_seconds_sum", "counter")
	m.describe("latency_seconds_count", "counter")
}

func (m *dataMaker) infoSeries() {
	for _, job := range []string{"api", "db", "web"} {
		for instance := 0; instance < 3; instance++ {
			labels := map[string]string{"__name__": "target_info", "job": job,
				"instance": fmt.Sprintf("host-%d:9100", instance), "version": m.pick("1.9", "1.10", "2.0-rc1"),
				"zone": m.pick("a", "b", "")}
			if labels["zone"] == "" {
				delete(labels, "zone")
			}
			m.add(labels, func(int) sample { return sample{value: 1} })
		}
	}
	for _, job := range []string{"api", "db"} {
		m.add(map[string]string{"__name__": "build_info", "job": job, "commit": m.pick("abc", "def"), "v1.10": "x"},
			func(int) sample { return sample{value: 1} })
	}
	m.describe("target_info", "info")
	m.describe("build_info", "info")
}

func (m *dataMaker) oddities() {
	specials := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, -1, 1e308, -1e308, 5e-324,
		math.MaxInt64, 0.1}
	for i := 0; i < 4; i++ {
		m.add(map[string]string{"__name__": "special", "n": fmt.Sprint(i)}, func(int) sample {
			if m.rng.Intn(3) > 0 {
				return sample{value: m.rng.NormFloat64()}
			}
			return sample{value: specials[m.rng.Intn(len(specials))]}
		})
	}
	for i := 0; i < 3; i++ {
		m.add(map[string]string{"__name__": "my.metric with space", "label.dot": fmt.Sprint(i), "ünï": "日本"},
			func(i int) sample { return sample{value: float64(i % 17)} })
	}
	for i := 0; i < 6; i++ {
		// Timestamps as values, for the functions of date and time.
		base := float64(m.rng.Int63n(4e9) - 1e9)
		m.add(map[string]string{"__name__": "moment", "n": fmt.Sprint(i), "version": m.pick("v1", "v2", "v10")},
			func(i int) sample { return sample{value: base + float64(i)*86_400.5} })
	}
	for i := 0; i < 3; i++ {
		m.add(map[string]string{"__name__": "constant", "n": fmt.Sprint(i)}, func(int) sample { return sample{value: 7} })
	}
	m.data.series = append(m.data.series, writtenSeries{labels: map[string]string{"__name__": "single"},
		samples: []sample{{t: m.data.start + dataLength/3, value: 42}}})
	m.describe("special", "odd")
	m.describe("my.metric with space", "gauge")
	m.describe("moment", "odd")
	m.describe("constant", "gauge")
	m.describe("single", "odd")
}
