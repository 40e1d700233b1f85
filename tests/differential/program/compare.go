package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
)

type histogramAnswer struct {
	count, sum float64
	buckets    [][4]float64 // boundary rule, lower, upper, count, as in the API's JSON
}

type point struct {
	t         int64
	value     float64
	histogram *histogramAnswer
}

type series struct {
	labels string
	points []point // floats, then histograms, each by time
}

// What a query gives, whoever answers.
type answer struct {
	errorType, errorText string
	kind                 string // scalar, string, vector, matrix
	text                 string
	series               []series
	warnings, infos      []string
	samples              int64 // looked at, if asked for
}

func (a answer) String() string {
	if a.errorType != "" {
		return a.errorType + ": " + a.errorText
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q", a.kind, a.text)
	for _, s := range a.series {
		fmt.Fprintf(&b, "\n  %s", s.labels)
		for _, p := range s.points {
			fmt.Fprintf(&b, " %s", p)
		}
	}
	for _, annotation := range append(slices.Clone(a.warnings), a.infos...) {
		fmt.Fprintf(&b, "\n  %s", annotation)
	}
	return b.String()
}

func (p point) String() string {
	if p.histogram != nil {
		return fmt.Sprintf("{count %v sum %v %v}@%d", p.histogram.count, p.histogram.sum, p.histogram.buckets, p.t)
	}
	return fmt.Sprintf("%v@%d", p.value, p.t)
}

const tolerance = 1e-9

func sameNumber(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	if a == b {
		return true
	}
	return math.Abs(a-b) <= tolerance*math.Max(math.Abs(a), math.Abs(b))
}

func samePoint(a, b point) bool {
	if a.t != b.t || (a.histogram == nil) != (b.histogram == nil) {
		return false
	}
	if a.histogram == nil {
		return sameNumber(a.value, b.value)
	}
	return sameNumber(a.histogram.count, b.histogram.count) && sameNumber(a.histogram.sum, b.histogram.sum) &&
		slices.EqualFunc(a.histogram.buckets, b.histogram.buckets, func(x, y [4]float64) bool {
			return x[0] == y[0] && sameNumber(x[1], y[1]) && sameNumber(x[2], y[2]) && sameNumber(x[3], y[3])
		})
}

// compare gives the first difference of two answers, or nothing.
func compare(q question, want, got answer) string {
	if strings.Contains(want.errorText, "unexpected error: runtime error") {
		return "" // Prometheus' own mistake
	}
	if want.errorType != got.errorType || want.errorText != got.errorText {
		if want.errorType != "" && want.errorType == got.errorType && (sameClash(want.errorText, got.errorText) ||
			bothNotPositive(want, got)) {
			return ""
		}
		return fmt.Sprintf("error: want %q %q, got %q %q", want.errorType, want.errorText, got.errorType, got.errorText)
	}
	if want.kind != got.kind || want.text != got.text {
		return fmt.Sprintf("want a %s %q, got a %s %q", want.kind, want.text, got.kind, got.text)
	}
	wanted, given := want.series, got.series
	if want.kind == "vector" {
		if q.sortsByValue() && !sameValues(wanted, given) {
			return fmt.Sprintf("order: want %s, got %s", want, got)
		}
		// Prometheus' sort leaves equal values in any order, and does not order anything else.
		if !q.sortsByLabel() {
			wanted, given = byLabels(wanted), byLabels(given)
		}
	}
	if difference := compareSeries(wanted, given); difference != "" {
		return difference
	}
	// How large a gauge histogram is depends on its neighbours in a chunk.
	if want.samples != got.samples && !strings.Contains(q.text, "queue_depth") {
		return fmt.Sprintf("samples: want %d, got %d", want.samples, got.samples)
	}
	return compareAnnotations(want, got)
}

// Which of several clashing series an error names depends on Prometheus' map order.
func sameClash(want, got string) bool {
	const text = "found duplicate series for the match group"
	return strings.Contains(want, text) && strings.Contains(got, text)
}

// Prometheus 3.14 finds a number in parentheses while it parses, 3.15 when it evaluates; so do we.
func bothNotPositive(want, got answer) bool {
	const text = "duration must be greater than 0"
	return strings.HasSuffix(want.errorText, text) && strings.HasSuffix(got.errorText, text)
}

func byLabels(all []series) []series {
	sorted := slices.Clone(all)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].labels < sorted[j].labels })
	return sorted
}

func sameValues(want, got []series) bool {
	return slices.EqualFunc(want, got, func(w, g series) bool {
		return slices.EqualFunc(w.points, g.points, samePoint)
	})
}

func compareSeries(want, got []series) string {
	for i := 0; i < len(want) && i < len(got); i++ {
		w, g := want[i], got[i]
		if w.labels != g.labels {
			return fmt.Sprintf("series %d: want %s, got %s (%d and %d series)", i, w.labels, g.labels, len(want), len(got))
		}
		for k := 0; k < len(w.points) && k < len(g.points); k++ {
			if !samePoint(w.points[k], g.points[k]) {
				return fmt.Sprintf("%s point %d: want %s, got %s", w.labels, k, w.points[k], g.points[k])
			}
		}
		if len(w.points) != len(g.points) {
			return fmt.Sprintf("%s: want %d points, got %d", w.labels, len(w.points), len(g.points))
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("want %d series, got %d", len(want), len(got))
	}
	return ""
}

// With ten or more the API keeps some, whichever come first in a map.
const annotationLimit = 10

// Prometheus doubles this number at every step of a range query, until it overflows.
var miscounted = regexp.MustCompile(`over -?[0-9]+ samples`)

// 3.14 points to the first argument here, its later test files to the vector.
var placeOfNaN = regexp.MustCompile(`(has NaN observations, .*) \([0-9:]+\)$`)

func comparable(annotations []string) []string {
	all := make([]string, len(annotations))
	for i, text := range annotations {
		all[i] = miscounted.ReplaceAllString(text, "over some samples")
		all[i] = placeOfNaN.ReplaceAllString(all[i], "$1")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Of all pairs of a binary operator at one step Prometheus tells only what it met last, be it types, layouts or bounds that
// do not fit; which pair is last goes by a map's order.
var ofBinaryOperator = regexp.MustCompile(`encountered for binary operator|reconciled during (addition|subtraction)|` +
	`conflicting counter resets during histogram (addition|subtraction)`)

func withoutBinaryOperators(a answer) (answer, bool) {
	count := len(a.warnings) + len(a.infos)
	a.warnings = slices.DeleteFunc(slices.Clone(a.warnings), ofBinaryOperator.MatchString)
	a.infos = slices.DeleteFunc(slices.Clone(a.infos), ofBinaryOperator.MatchString)
	return a, len(a.warnings)+len(a.infos) < count
}

func compareAnnotations(want, got answer) string {
	wantRest, wantAny := withoutBinaryOperators(want)
	gotRest, gotAny := withoutBinaryOperators(got)
	if wantAny && gotAny {
		want, got = wantRest, gotRest
	}
	for _, pair := range [][2][]string{{want.warnings, got.warnings}, {want.infos, got.infos}} {
		if len(pair[0]) >= annotationLimit && len(pair[1]) >= annotationLimit {
			continue
		}
		if w, g := comparable(pair[0]), comparable(pair[1]); !slices.Equal(w, g) {
			return fmt.Sprintf("annotations: want %q, got %q", w, g)
		}
	}
	return ""
}
