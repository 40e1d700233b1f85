package main

import (
	"math/rand"
	"regexp"
	"strconv"
	"strings"
)

// A query and the times it is asked for; an instant query when step is 0. Milliseconds.
type question struct {
	text             string
	start, end, step int64
	lookback         int64 // 0: the engine's
	stats            bool  // how many samples were looked at is compared as well
}

func (q question) isRange() bool { return q.step > 0 }

func (q question) sortsByValue() bool {
	return strings.HasPrefix(q.text, "sort(") || strings.HasPrefix(q.text, "sort_desc(")
}

func (q question) sortsByLabel() bool { return strings.HasPrefix(q.text, "sort_by_label") }

func (q question) String() string {
	at := seconds(q.start)
	if q.isRange() {
		at += "," + seconds(q.end) + "," + seconds(q.step)
	}
	if q.lookback > 0 {
		at += " lookback " + seconds(q.lookback)
	}
	return "[" + at + "] " + q.text
}

func parseQuestion(text, at string, base int64) (question, error) {
	q := question{text: text, start: base + dataLength/2}
	if at == "" {
		return q, nil
	}
	for i, part := range strings.Split(at, ",") {
		number, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return q, err
		}
		switch ms := int64(number * 1000); i {
		case 0:
			q.start = base + ms
		case 1:
			q.end = base + ms
		case 2:
			q.step = ms
		}
	}
	return q, nil
}

// generator writes queries that always parse as far as the grammar goes, mostly type-check, and often match something.
type generator struct {
	rng      *rand.Rand
	data     *dataset
	features bool
}

func (g *generator) chance(percent int) bool { return g.rng.Intn(100) < percent }

func oneOf[T any](g *generator, values ...T) T { return values[g.rng.Intn(len(values))] }

func (g *generator) question() question {
	q := question{text: g.top(), stats: g.chance(20)}
	if g.chance(8) {
		q.text = g.broken(q.text)
	}
	q.start = g.data.start + g.rng.Int63n(dataLength+20*60_000) - 5*60_000
	if g.chance(6) {
		q.lookback = oneOf[int64](g, 1, 1_000, 15_000, 59_999, 600_000, 7_200_000)
	}
	if g.chance(2) {
		q.start = oneOf(g, 0, -1, 1, g.data.start, g.data.end+300_000, g.data.start-365*86_400_000, g.data.end+365*86_400_000)
	}
	if g.chance(50) {
		return q
	}
	q.step = oneOf[int64](g, 1_000, 7_000, 15_000, 30_000, 60_000, 60_000, 300_000, 901_500)
	q.end = q.start + q.step*g.rng.Int63n(100) + g.rng.Int63n(q.step)
	switch {
	case g.chance(3):
		q.end = q.start // one step, and yet a range
	case g.chance(3):
		q.step = 86_400_000 // longer than the range
	case g.chance(3):
		q.step = 1 + g.rng.Int63n(5)
		q.end = q.start + q.step*g.rng.Int63n(50)
	case g.chance(1):
		q.step = oneOf[int64](g, 1_000, 5_000, 60_000)
		q.end = q.start + q.step*(1000+g.rng.Int63n(2000))
	case g.chance(2):
		q.start, q.end, q.step = g.data.start-dataLength, g.data.end+dataLength, 60_000
	}
	return q
}

func (g *generator) top() string {
	depth := 1 + g.rng.Intn(3)
	switch {
	case g.chance(4):
		return g.scalar(depth)
	case g.chance(2):
		return oneOf(g, `"a string"`, `1`, `-0.5e3`, `NaN`, `Inf`, `0x1f`, `1h30m`)
	case g.chance(3):
		return g.matrix(depth) // only instant queries may ask for one
	case g.chance(6):
		return oneOf(g, "sort", "sort_desc") + "(" + g.vector(depth) + ")"
	case g.features && g.chance(2):
		return oneOf(g, "sort_by_label", "sort_by_label_desc") + "(" + g.vector(depth) + `, "` +
			oneOf(g, "instance", "version", "le", "n", "floor") + `"` + oneOf(g, "", "", `, "job"`, `, "none", "code"`) + ")"
	}
	return g.vector(depth)
}

var labelNames = []string{"job", "instance", "code", "mode", "path", "le", "room", "floor", "n", "version", "cpu", "zone", "none"}

func (g *generator) metric(kinds ...string) metric {
	if len(kinds) > 0 && g.chance(90) {
		var fitting []metric
		for _, m := range g.data.metrics {
			for _, kind := range kinds {
				if m.kind == kind {
					fitting = append(fitting, m)
				}
			}
		}
		return fitting[g.rng.Intn(len(fitting))]
	}
	return g.data.metrics[g.rng.Intn(len(g.data.metrics))]
}

func (g *generator) selector(kinds ...string) string {
	if g.chance(4) {
		return oneOf(g, `{__name__=~"pod_.*"}`, `{__name__=~"switching|mixed|up"}`, `{__name__=~".+_total"}`, `{__name__=~"sparse|dense.*", n="0"}`,
			`{n=~"[0-3]"}`, `nothing_here`, `{__name__=~"up|constant"}`, `{__name__=~"memory.*", job="api"}`, `{job="web"}`,
			`{__name__!~".*_.*", n="1"}`, `{"my.metric with space", "label.dot"!="0"}`)
	}
	m := g.metric(kinds...)
	name := m.name
	if g.chance(4) {
		return g.oddSelector(m)
	}
	if strings.Contains(name, " ") {
		return `{"` + name + `"` + g.matchers(m, ",") + "}"
	}
	if matchers := g.matchers(m, ""); matchers != "" {
		return name + "{" + matchers + "}"
	}
	return name
}

func quoteLabel(name string) string {
	if plainLabel.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

var plainLabel = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (g *generator) matchers(m metric, separator string) string {
	var b strings.Builder
	for _, name := range labelNames {
		values := m.labels[name]
		if len(values) == 0 || !g.chance(25) {
			continue
		}
		value := oneOf(g, values...)
		b.WriteString(separator)
		b.WriteString(quoteLabel(name))
		switch g.rng.Intn(8) {
		case 0:
			b.WriteString("!=" + strconv.Quote(value))
		case 1:
			b.WriteString("=~" + strconv.Quote(regexp.QuoteMeta(value)+"|"+regexp.QuoteMeta(oneOf(g, values...))))
		case 2:
			b.WriteString("!~" + strconv.Quote(regexp.QuoteMeta(value)+".*"))
		case 3:
			b.WriteString("=~" + strconv.Quote(".+"))
		case 4:
			b.WriteString("=~" + strconv.Quote("(?i)"+regexp.QuoteMeta(strings.ToUpper(value[:1]))+".*"))
		default:
			b.WriteString("=" + strconv.Quote(value))
		}
		separator = ","
	}
	return b.String()
}

// modifiers are offset and @, in either order.
func (g *generator) modifiers() string {
	offset, at := "", ""
	if g.chance(12) {
		offset = " offset " + oneOf(g, "5m", "1m", "30s", "-5m", "-90s", "1h", "13s", "(1m*2)", "(2*step())", "1ms", "-1ms", "0s", "90",
			"1w", "-2h30m", "step()", "-step()", "(-(1m))", "range()", "max(step(),1m)", "1m+30s", "(5m - 2^7)", "1e2", "-0x10")
	}
	if g.chance(8) {
		at = " @ " + oneOf(g, "start()", "end()", "start()", "end()", seconds(g.data.start+g.rng.Int63n(dataLength)),
			seconds(g.data.start+g.rng.Int63n(dataLength)), "0", "-1.5", "1e9", "1e30", "NaN", "Inf", "1h")
	}
	if g.chance(50) {
		return offset + at
	}
	return at + offset
}

func (g *generator) duration() string {
	if g.chance(4) {
		return oneOf(g, "5m*2", "1m+30s", "max(step(),2m)", "-(-3m)", "10m/3", "2^6", "min(1m,90s)", "step()+5m", "step()", "range()",
			"(1m)", "7m%4m", "1d", "1ms", "0s", "300", "1e2", "0x3C", "1m-2m", "90.5", "10y", "1h1h", "step()*2", "max(min(1m,2m),step())",
			"5m/0", "-5m")
	}
	return oneOf(g, "5m", "5m", "1m", "2m", "10m", "30s", "15s", "17s", "90s", "20m", "1h", "2h", "1m30s")
}

func (g *generator) matrix(depth int, kinds ...string) string {
	if depth <= 0 || g.chance(80) {
		extended := ""
		if g.features && g.chance(12) {
			extended = oneOf(g, " anchored", " smoothed")
		}
		return g.selector(kinds...) + "[" + g.duration() + "]" + extended + g.modifiers()
	}
	step := oneOf(g, "", "", "1m", "30s", "15s", "7s", "2m")
	inner := g.vector(depth-1, kinds...)
	if !strings.HasSuffix(inner, ")") || g.chance(50) {
		inner = "(" + inner + ")"
	}
	if g.chance(5) {
		return inner + "[" + g.duration() + ":" + oneOf(g, "", g.duration()) + "]" + g.modifiers()
	}
	return inner + "[" + oneOf(g, "5m", "10m", "30m", "3m", "1m", "17s", "1ms") + ":" + step + "]" + g.modifiers()
}

var rangeFunctions = []string{"rate", "rate", "rate", "increase", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets",
	"avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time", "first_over_time",
	"present_over_time", "stddev_over_time", "stdvar_over_time", "absent_over_time"}

var experimentalRangeFunctions = []string{"mad_over_time", "ts_of_first_over_time", "ts_of_max_over_time", "ts_of_min_over_time",
	"ts_of_last_over_time"}

func (g *generator) rangeFunction(depth int) string {
	counters := []string{"counter", "bucket", "histogram", "gauge", "odd"}
	switch {
	case g.chance(6):
		return "quantile_over_time(" + g.quantile() + ", " + g.matrix(depth, counters...) + ")"
	case g.chance(4):
		// Prometheus gives nothing for a subquery with @ here.
		return "predict_linear(" + g.selector("gauge", "counter") + "[" + g.duration() + "]" + g.modifiers() + ", " +
			g.number() + ")"
	case g.chance(3) && g.features:
		return "double_exponential_smoothing(" + g.matrix(depth, "gauge") + ", 0." + oneOf(g, "1", "5", "9") + ", 0." +
			oneOf(g, "3", "6") + ")"
	case g.chance(8) && g.features:
		return oneOf(g, experimentalRangeFunctions...) + "(" + g.matrix(depth, counters...) + ")"
	}
	return oneOf(g, rangeFunctions...) + "(" + g.matrix(depth, counters...) + ")"
}

func (g *generator) number() string {
	if g.chance(10) {
		return oneOf(g, "1_000", "0b11", "0o17", "017", ".5", "5.", "1e+3", "+Inf", "iNf", "nAn", "1h", "1d2h3s", "0x1p-2", "-0", "+1",
			"1e400", "4e-324", "9223372036854775808", "5m", "--1", "0xfF")
	}
	return oneOf(g, "0", "1", "2", "-1", "0.5", "100", "1e3", "-2.5", "NaN", "Inf", "-Inf", "3600", "1e-6", "7")
}

func (g *generator) quantile() string {
	return oneOf(g, "0.5", "0.9", "0.99", "0", "1", "0.25", "-1", "2", "NaN", "1e-3")
}

var instantFunctions = []string{"abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "sin", "cos", "tan", "asin",
	"acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad", "timestamp", "minute", "hour", "day_of_week",
	"day_of_month", "day_of_year", "days_in_month", "month", "year", "absent"}

func (g *generator) instantFunction(depth int) string {
	switch g.rng.Intn(12) {
	case 0:
		return "clamp(" + g.vector(depth) + ", " + g.scalar(depth-1) + ", " + g.scalar(depth-1) + ")"
	case 1:
		return oneOf(g, "clamp_min", "clamp_max") + "(" + g.vector(depth) + ", " + g.scalar(depth-1) + ")"
	case 2:
		return "round(" + g.vector(depth) + ", " + oneOf(g, "0.1", "5", "0", "-3", "100") + ")"
	case 3:
		return "vector(" + g.scalar(depth) + ")"
	case 4:
		return oneOf(g, "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year") + "()"
	case 5:
		if g.features {
			return g.info()
		}
	}
	function := oneOf(g, instantFunctions...)
	if function == "timestamp" {
		return "timestamp(" + oneOf(g, g.selector(), `{__name__=~"up|constant|memory.*"}`) + g.modifiers() + ")"
	}
	return function + "(" + g.vector(depth) + ")"
}

func (g *generator) labelFunction(depth int) string {
	inner := g.vector(depth)
	switch g.rng.Intn(9) {
	case 6:
		return `label_replace(` + inner + `, "` + oneOf(g, "dst", "", "bad name", "__name__", "job") + `", "` +
			oneOf(g, "$0", "${1}$1", "$2", "$10", "$x", "$$1", "") + `", "` + oneOf(g, labelNames...) + `", "` +
			oneOf(g, "(.)(.*)", "", ".*", "host-(?P<x>\\\\d).*", "(", "a|b") + `")`
	case 7:
		return `label_join(` + inner + oneOf(g, `, "dst", "-")`, `, "", "-", "job")`, `, "le", "", "job", "job")`, `, "__name__", "_", "job", "code")`)
	case 8:
		return oneOf(g, "absent", "absent_over_time") + oneOf(g, `(nothing_here{job="a",code=~"5.."}`, `(nothing_here{job="a",job="b"}`,
			`({job="a", instance!="b", mode="idle"}`, `(up{job="none"}`) + oneOf(g, ")", "[5m])", "[5m:1m])", "[5m] offset 1m)")
	case 0:
		return `label_replace(` + inner + `, "dst", "$1-x", "instance", "host-(.*):.*")`
	case 1:
		return `label_replace(` + inner + `, "job", "", "` + oneOf(g, labelNames...) + `", "(.*)")`
	case 2:
		return `label_replace(` + inner + `, "instance", "same", "", "")`
	case 3:
		return `label_join(` + inner + `, "joined", "-", "job", "instance", "none")`
	case 4:
		return `label_replace(` + inner + `, "__name__", "${n}_renamed", "__name__", "(?P<n>[a-z]+).*")`
	}
	return `label_join(` + inner + `, "` + oneOf(g, labelNames...) + `", "", "` + oneOf(g, labelNames...) + `")`
}

func (g *generator) histogramFunction(depth int) string {
	native := func() string {
		switch g.rng.Intn(6) {
		case 0:
			return oneOf(g, "sum", "avg") + " by (job) (rate(" + g.selector("histogram") + "[" + g.duration() + "]))"
		case 1:
			return "rate(" + g.selector("histogram") + "[" + g.duration() + "])"
		case 2:
			return "sum by (" + oneOf(g, "le", "le, path", "path") + ") (rate(latency_seconds_bucket[" + g.duration() + "]))"
		case 3:
			return g.selector("bucket")
		case 4:
			return g.vector(depth, "histogram")
		}
		return g.selector("histogram")
	}
	if g.features && g.chance(8) {
		return `histogram_quantiles(` + native() + `, "q", 0.7, ` + g.quantile() + `)`
	}
	switch g.rng.Intn(8) {
	case 0, 1, 2:
		return "histogram_quantile(" + g.quantile() + ", " + native() + ")"
	case 3:
		return "histogram_fraction(" + oneOf(g, "0", "-Inf", "0.1", "1", "NaN") + ", " + oneOf(g, "1", "Inf", "0.2", "5") + ", " +
			native() + ")"
	}
	return oneOf(g, "histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar") + "(" + native() + ")"
}

func (g *generator) grouping() string {
	if g.chance(30) {
		return ""
	}
	names := []string{}
	for i := g.rng.Intn(3); i >= 0; i-- {
		names = append(names, g.labelInQuery())
	}
	if g.chance(5) {
		names = nil
	}
	return oneOf(g, " by ", " by ", " without ") + "(" + strings.Join(names, ", ") + g.trailingComma(names) + ") "
}

func (g *generator) aggregation(depth int) string {
	inner := g.vector(depth, "counter", "gauge", "histogram", "bucket", "odd")
	grouping := g.grouping()
	wrap := func(name, argument string) string {
		if argument != "" {
			argument += ", "
		}
		if g.chance(50) {
			return name + grouping + "(" + argument + inner + ")"
		}
		return name + "(" + argument + inner + ")" + grouping
	}
	switch g.rng.Intn(14) {
	case 0, 1:
		return wrap(oneOf(g, "topk", "bottomk"), oneOf(g, "1", "2", "5", "3", "0", "-1", "100", g.scalar(0)))
	case 2:
		return wrap("quantile", oneOf(g, g.quantile(), g.scalar(0)))
	case 3:
		inner = oneOf(g, "round("+inner+", 0.01)", g.selector("counter", "gauge", "histogram")) // no last digits in labels
		return wrap("count_values", oneOf(g, `"value"`, `"job"`, `"v é"`))
	case 4:
		if g.features {
			return wrap(oneOf(g, "limitk", "limit_ratio"), oneOf(g, "1", "2", "0.5", "-0.5", "0", "0.9", "-0.1", "1.5", g.scalar(0)))
		}
	}
	return wrap(oneOf(g, "sum", "sum", "avg", "avg", "min", "max", "count", "group", "stddev", "stdvar"), "")
}

func (g *generator) matching() string {
	if g.chance(35) {
		return " "
	}
	names := []string{}
	for i := g.rng.Intn(3); i > 0; i-- {
		names = append(names, g.labelInQuery())
	}
	modifier := oneOf(g, " on(", " ignoring(") + strings.Join(names, ",") + g.trailingComma(names) + ")"
	if g.chance(35) {
		modifier += oneOf(g, " group_left", " group_right") +
			oneOf(g, "", "()", "(version)", "(zone,version)", "(job)", "(instance)", `("label.dot")`, `("ünï",n)`, "(__name__)", "(le,)")
	}
	return modifier + " "
}

func (g *generator) fill() string {
	if !g.features || !g.chance(12) {
		return ""
	}
	return oneOf(g, "fill(0) ", "fill_left(1) ", "fill_right(NaN) ", "fill_left(-1) fill_right(2) ", "fill_right(3) fill_left(+Inf) ",
		"fill(1h) ", "fill_left(1) fill_left(2) ", "fill(x) ")
}

func (g *generator) binary(depth int) string {
	arithmetic := []string{"+", "-", "*", "/", "%", "^", "atan2", "</", ">/"}
	comparison := []string{"==", "!=", ">", "<", ">=", "<="}
	operator := oneOf(g, arithmetic...)
	if g.chance(35) {
		operator = oneOf(g, comparison...)
		if g.chance(35) {
			operator += " bool"
		}
	}
	switch g.rng.Intn(6) {
	case 0:
		return g.vector(depth) + " " + operator + " " + g.scalar(depth-1)
	case 5: // histograms, which few operators take
		histogram := oneOf(g, g.selector("histogram"), "rate("+g.selector("histogram")+"["+g.duration()+"])", g.selector("histogram"))
		if g.chance(50) {
			return histogram + " " + oneOf(g, "</", ">/", "*", "/") + " " + g.scalar(depth-1)
		}
		return histogram + " " + oneOf(g, "+", "-", "==", "!=", "== bool", operator) + g.matching() + g.fill() +
			oneOf(g, histogram, g.selector("histogram"))
	case 1:
		return g.scalar(depth-1) + " " + operator + " " + g.vector(depth)
	case 2: // the same metric on both sides, so that much matches
		m := g.metric("counter", "gauge", "histogram", "bucket")
		return g.selectorOf(m) + " " + operator + g.matching() + g.fill() + g.selectorOf(m)
	case 3: // what dashboards do
		return oneOf(g,
			"sum by (job) (rate(http_requests_total["+g.duration()+"])) / on(job) group_left sum by (job) (up)",
			"http_requests_total "+operator+" on(job,instance) group_left(version) target_info",
			"rate(latency_seconds_sum[5m]) / rate(latency_seconds_count["+g.duration()+"])",
			"memory_bytes "+operator+" ignoring(job) up{job=\"api\"}",
			"request_duration "+oneOf(g, "*", "/", "+", "-", "==", "!=")+" "+oneOf(g, "2", "0", "request_duration", "up"),
			"cpu_seconds_total - cpu_seconds_total offset 5m")
	}
	return g.vector(depth) + " " + operator + g.matching() + g.fill() + g.vector(depth)
}

func (g *generator) selectorOf(m metric) string {
	if strings.Contains(m.name, " ") {
		return `{"` + m.name + `"}`
	}
	return m.name + "{" + g.matchers(m, "") + "}" + g.modifiers()
}

func (g *generator) setOperation(depth int) string {
	matching := ""
	if g.chance(60) {
		matching = oneOf(g, "on", "ignoring") + "(" + oneOf(g, "job", "instance", "job,instance", "", "le", "n") + ") "
	}
	return g.vector(depth) + oneOf(g, " and ", " or ", " unless ") + matching + g.vector(depth)
}

// scalar never gives a vector.
func (g *generator) scalar(depth int) string {
	if depth <= 0 || g.chance(50) {
		if g.features && g.chance(10) {
			return oneOf(g, "start()", "end()", "step()", "range()", "min_of(1, 2)", "max_of(time(), 3)")
		}
		return oneOf(g, g.number(), g.number(), g.number(), "time()", "pi()", "-time()", "scalar(single)")
	}
	switch g.rng.Intn(3) {
	case 0:
		return "scalar(" + g.vector(depth-1) + ")"
	case 1:
		operator := oneOf(g, "+", "-", "*", "/", "%", "^", "atan2", "== bool", "> bool", "<= bool", "!= bool")
		return "(" + g.scalar(depth-1) + " " + operator + " " + g.scalar(depth-1) + ")"
	}
	return "-(" + g.scalar(depth-1) + ")"
}

func (g *generator) vector(depth int, kinds ...string) string {
	if depth <= 0 || g.chance(10) {
		extended := ""
		if g.features && g.chance(4) {
			extended = oneOf(g, " smoothed", " smoothed", " anchored")
		}
		return g.selector(kinds...) + extended + g.modifiers()
	}
	if g.chance(2) {
		return g.failing(depth - 1)
	}
	switch n := g.rng.Intn(100); {
	case n < 28:
		return g.rangeFunction(depth - 1)
	case n < 50:
		return g.aggregation(depth - 1)
	case n < 62:
		return g.instantFunction(depth - 1)
	case n < 80:
		return g.parenthesised(g.binary(depth - 1))
	case n < 85:
		return g.parenthesised(g.setOperation(depth - 1))
	case n < 90:
		return g.labelFunction(depth - 1)
	case n < 94:
		return g.histogramFunction(depth - 1)
	case n < 97:
		return g.anyCall(depth - 1)
	case n < 98:
		return "-" + g.vector(depth-1, kinds...)
	}
	return "(" + g.vector(depth-1, kinds...) + ")"
}

// failing parses and mostly fails, so that several failures meet: which one Prometheus tells of is part of the answer.
func (g *generator) failing(depth int) string {
	inner := g.vector(depth, "counter", "gauge")
	switch g.rng.Intn(9) {
	case 0:
		return "label_replace(" + inner + `, "` + oneOf(g, "instance", "n", "code") + `", "", "", "")`
	case 1:
		return "label_replace(" + inner + `, "", "", "job", "` + oneOf(g, ".*", "(") + `")`
	case 2:
		return "label_join(" + inner + `, "x", "", "` + oneOf(g, "", "job") + `")`
	case 3:
		return "(" + inner + " + on() " + g.vector(depth) + ")"
	case 4:
		return "(" + inner + " / on(" + oneOf(g, "job", "instance", "path") + ") " + oneOf(g, "", "group_left ", "group_right(job) ") +
			g.vector(depth) + ")"
	case 5:
		return oneOf(g, "topk", "bottomk") + "(" + oneOf(g, "NaN", "1e30", "-1e30", "scalar("+g.failing(0)+")") + ", " + inner + ")"
	case 6:
		return `count_values("` + oneOf(g, "", "x") + `", ` + inner + ")"
	case 7:
		return "quantile_over_time(scalar(" + g.failing(0) + "), (" + inner + ")[5m:1m])"
	}
	return "rate({__name__=~\"" + oneOf(g, "up|memory_bytes", "cpu_.*|http_.*", "constant|moment") + "\"}[5m])"
}

// parenthesised leaves the parentheses out now and then, for the sake of precedence.
func (g *generator) parenthesised(text string) string {
	if g.chance(30) {
		return text
	}
	return "(" + text + ")"
}
