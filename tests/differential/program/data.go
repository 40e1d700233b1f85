package main

import (
	"fmt"
	"maps"
	"math"
	"math/rand"
	"slices"
	"sort"
	"strings"

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

// generateData makes some three hundred series that between them have what makes queries hard: resets, gaps, stale
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
	m.shapes()
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

// shapes are series whose times are what is hard about them, or whose type changes on the way.
func (m *dataMaker) shapes() {
	m.successors()
	m.sparseAndDense()
	m.switching()
	long := strings.Repeat("x", 300)
	for i := 0; i < 3; i++ {
		value := m.rng.Float64()
		m.add(map[string]string{"__name__": "long_labels", "job": "api", "path": long + fmt.Sprint(i), "n": fmt.Sprint(i)},
			func(int) sample { value *= 1 + m.rng.NormFloat64()/10; return sample{value: value} })
	}
	// Counters so large that one more is lost, and ones that are reset at every other sample.
	for i, start := range []float64{1 << 53, 1e300, 0} {
		total := start
		m.add(map[string]string{"__name__": "large_total", "n": fmt.Sprint(i)}, func(k int) sample {
			if total += float64(m.rng.Intn(4)); start == 0 && k%2 == 0 {
				total = 0
			}
			return sample{value: total}
		})
	}
	m.describe("long_labels", "gauge")
	m.describe("large_total", "counter")
}

// successors are short-lived: a pod takes over from the one before it, with a stale marker between them, or without, or
// while that one still runs.
func (m *dataMaker) successors() {
	for _, instance := range []string{"host-0:9100", "host-1:9100"} {
		pod := 0
		for t := m.data.start; t < m.data.end; pod++ {
			labels := func(name string) map[string]string {
				return map[string]string{"__name__": name, "job": "api", "instance": instance, "n": fmt.Sprint(pod % 7)}
			}
			life := 1 + m.rng.Int63n(1_500_000)
			counter := writtenSeries{labels: labels("pod_requests_total")}
			gauge := writtenSeries{labels: labels("pod_memory_bytes")}
			for at, total := t, 0.0; at < t+life && at < m.data.end; at += 15_000 {
				total += m.rng.Float64() * 9
				counter.samples = append(counter.samples, sample{t: at, value: total})
				gauge.samples = append(gauge.samples, sample{t: at, value: math.Floor(total) * 1e6})
			}
			last := counter.samples[len(counter.samples)-1].t
			if m.rng.Intn(2) == 0 {
				counter.samples = append(counter.samples, staleLike(sample{t: last + 15_000}))
				gauge.samples = append(gauge.samples, staleLike(sample{t: last + 15_000}))
			}
			m.append(counter)
			m.append(gauge)
			t = last + 16_000 + m.rng.Int63n(400_000)
			if m.rng.Intn(4) == 0 {
				t = max(last-100_000, m.data.start)
			}
		}
	}
	m.describe("pod_requests_total", "counter")
	m.describe("pod_memory_bytes", "gauge")
}

// append joins what has the labels of a series that is there already.
func (m *dataMaker) append(s writtenSeries) {
	for i := range m.data.series {
		known := &m.data.series[i]
		if !maps.Equal(known.labels, s.labels) {
			continue
		}
		for _, one := range s.samples {
			if one.t > known.samples[len(known.samples)-1].t {
				known.samples = append(known.samples, one)
			}
		}
		return
	}
	m.data.series = append(m.data.series, s)
}

// sparseAndDense are samples further apart than the lookback, and many in a second.
func (m *dataMaker) sparseAndDense() {
	sparse := writtenSeries{labels: map[string]string{"__name__": "sparse", "n": "0"}}
	for t := m.data.start + 1; t < m.data.end; t += 240_000 + m.rng.Int63n(200_000) {
		sparse.samples = append(sparse.samples, sample{t: t, value: float64(len(sparse.samples) % 5)})
	}
	exact := writtenSeries{labels: map[string]string{"__name__": "sparse", "n": "1"}}
	for t := m.data.start; t < m.data.end; t += 300_000 { // the lookback to the millisecond
		exact.samples = append(exact.samples, sample{t: t, value: float64(len(exact.samples))})
	}
	dense := writtenSeries{labels: map[string]string{"__name__": "dense_total", "n": "0"}}
	for t, total := m.data.start+dataLength/4, 0.0; t < m.data.start+3*dataLength/4; t += 600_000 {
		for i := int64(0); i < 400; i++ {
			total += m.rng.Float64()
			dense.samples = append(dense.samples, sample{t: t + i*(1+i%3), value: total})
		}
	}
	slices.SortFunc(dense.samples, func(a, b sample) int { return int(a.t - b.t) })
	dense.samples = slices.CompactFunc(dense.samples, func(a, b sample) bool { return a.t == b.t })
	m.data.series = append(m.data.series, sparse, exact, dense)
	m.describe("sparse", "gauge")
	m.describe("dense_total", "counter")
}

// switching goes from floats to histograms of one kind and of the other, and back.
func (m *dataMaker) switching() {
	for i := 0; i < 3; i++ {
		states := []*nativeState{newNativeState(m.rng, false), newNativeState(m.rng, true)}
		phase, total := i, 0.0
		m.add(map[string]string{"__name__": "switching", "job": "api", "n": fmt.Sprint(i)}, func(int) sample {
			if m.rng.Intn(25) == 0 {
				phase++
			}
			total += m.rng.Float64()
			if phase%4 >= 2 {
				return sample{value: total}
			}
			state := states[phase%4]
			state.observe(m.rng)
			h := state.histogram()
			switch m.rng.Intn(30) {
			case 0:
				h.Sum = math.NaN()
			case 1:
				h.Sum = math.Inf(-1)
			}
			if phase%8 >= 4 {
				return sample{float: h.ToFloat(nil)}
			}
			return sample{whole: h}
		})
	}
	m.describe("switching", "histogram")
}
