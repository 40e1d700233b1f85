package main

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

var functionNames = slices.Sorted(maps.Keys(parser.Functions))

// anyCall calls a function of Prometheus' own table, all alike, with arguments of the types it wants.
func (g *generator) anyCall(depth int) string {
	function := parser.Functions[oneOf(g, functionNames...)]
	switch function.Name {
	case "timestamp", "start_timestamp", "label_replace", "label_join":
		return g.labelFunction(depth) // asked for with care elsewhere
	case "info":
		return g.info()
	}
	count := len(function.ArgTypes)
	switch {
	case function.Variadic > 0:
		count += g.rng.Intn(function.Variadic+1) - 1
	case function.Variadic < 0:
		count += g.rng.Intn(3) - 1
	}
	var arguments []string
	for i := 0; i < count; i++ {
		arguments = append(arguments, g.argument(function, i, depth))
	}
	call := function.Name + "(" + strings.Join(arguments, ", ") + ")"
	if function.ReturnType == parser.ValueTypeScalar {
		return "vector(" + call + ")"
	}
	return call
}

func (g *generator) argument(function *parser.Function, i, depth int) string {
	switch function.ArgTypes[min(i, len(function.ArgTypes)-1)] {
	case parser.ValueTypeScalar:
		return oneOf(g, g.quantile(), g.scalar(depth))
	case parser.ValueTypeString:
		return strconv.Quote(oneOf(g, labelNames...))
	case parser.ValueTypeMatrix:
		if function.Name == "predict_linear" {
			return g.matrix(0, "gauge", "counter") // see rangeFunction
		}
		return g.matrix(depth, "counter", "gauge", "histogram", "odd")
	}
	return g.vector(depth, "counter", "gauge", "histogram", "odd", "bucket")
}

// info of plain series. Prometheus 3.14 gives back names that are removed late; 3.15 does not.
func (g *generator) info() string {
	inner := oneOf(g, g.selector("counter", "gauge"), g.selector("counter"), "sum by (job, instance) (up)",
		"last_over_time(http_requests_total[5m])", g.selector("histogram"), `{__name__=~"up|target_info"}`)
	return "info(" + inner + oneOf(g, "", "", `, {version=~".+"}`, `, {zone="a"}`, `, {zone!="a"}`, `, {zone=~"a|"}`, `, {__name__="build_info"}`,
		`, {__name__=~".*_info"}`, `, {__name__=~".*_info", commit=~".+"}`, `, {__name__!="target_info"}`, `, {version="1.9", zone=~".*"}`,
		`, {nothing="x"}`, `, {"v1.10"="x", __name__=~"build_.*"}`, `, {job="api"}`, `, {version=~".+", version!="1.9"}`) + ")"
}

// labelInQuery is a label's name as a query has it, quoted when it has to be, and now and then without need.
func (g *generator) labelInQuery() string {
	switch {
	case g.chance(3):
		return oneOf(g, `"label.dot"`, `"ünï"`, "__name__", `"job"`, "by", "sum", "offset", `"v1.10"`, "bool", "inf", "start")
	}
	return oneOf(g, labelNames...)
}

func (g *generator) trailingComma(names []string) string {
	if len(names) > 0 && g.chance(3) {
		return ","
	}
	return ""
}

var token = regexp.MustCompile(`"[^"]*"|[A-Za-z_][A-Za-z0-9_:]*|[0-9][0-9a-zA-Z.]*|\s+|[=!<>]=?~?|.`)

// broken takes a word of the question out, puts it in twice, or puts another in its place, so that it mostly does not parse.
func (g *generator) broken(text string) string {
	words := token.FindAllString(text, -1)
	if len(words) < 2 {
		return text
	}
	for i := 1 + g.rng.Intn(2); i > 0; i-- {
		at := g.rng.Intn(len(words))
		switch g.rng.Intn(5) {
		case 0:
			words[at] = ""
		case 1:
			words[at] += " " + words[at]
		case 2:
			other := g.rng.Intn(len(words))
			words[at], words[other] = words[other], words[at]
		case 3:
			words = words[:at+1]
		default:
			words[at] = oneOf(g, "(", ")", "[", "]", "{", "}", ",", ":", "5m", "1", "-", "+", "*", "@", "==", "=", "=~", "!~", "by", "on", "offset",
				"bool", "and", "or", "start", "end()", "up", "rate", "sum", "\"", "'x'", "`", "#", "$", "\\", "é", "\n", "NaN", "Inf", "__name__", "1e", "0x",
				"group_left", "ignoring", "without", "atan2", "anchored", "smoothed", "fill", "step()", "5m5", "[5m]", "[5m:1m]", "^", "%", "//", "!", "?",
				";", ".", "_", "~", "&", "|", "\"\\q\"", "\x00")
		}
	}
	return strings.Join(words, "")
}

// oddSelector spells a selector in less common ways, some of which do not parse.
func (g *generator) oddSelector(m metric) string {
	quoted := strconv.Quote(m.name)
	name := oneOf(g, labelNames...)
	value := "x"
	if values := m.labels[name]; len(values) > 0 {
		value = oneOf(g, values...)
	}
	label := quoteLabel(name)
	return oneOf(g,
		"{"+quoted+"}",
		"{"+quoted+","+label+"="+strconv.Quote(value)+",}",
		"{__name__="+quoted+"}",
		"{__name__=~"+strconv.Quote(m.name+"|nothing")+"}",
		"{'"+m.name+"', \""+name+"\"!=\"\"}",
		"{`"+m.name+"`}",
		m.name+"{"+label+"=\"\"}",
		m.name+"{"+label+"!=\"\"}",
		m.name+"{"+label+"=~\"\"}",
		m.name+"{"+label+"=~\".*\"}",
		m.name+"{"+label+"!~\".*\"}",
		m.name+"{"+label+"!~\".+\"}",
		m.name+"{"+label+"=~"+strconv.Quote("^"+value+"$")+"}",
		m.name+"{"+label+"=~"+strconv.Quote("(?s:"+value+")|[a-c].?")+"}",
		m.name+"{"+label+"="+strconv.Quote(value)+","+label+"!="+strconv.Quote(value)+"}",
		m.name+"{"+label+"=~\"(\"}",
		m.name+"{"+label+"="+strconv.Quote(value)+",,}",
		m.name+"{__name__=\"up\"}",
		"{"+quoted+", __name__=\"up\"}",
		m.name+"{}",
		m.name+"{"+label+"==\"a\"}",
		"{}",
		"{"+label+"=\"\"}",
		"{"+label+"=~\".*\"}",
		"{__name__=~\"up|constant|mixed|request_.*\"}",
		"{job=\"api\"}",
		"{instance=~\"host-[01].*\", job!=\"db\"}",
	)
}
