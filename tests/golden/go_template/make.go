// Runs every template below through Go's text/template and prints what came out as JSON:
//
//	go run make.go > cases.json
//
// tests/alert/template_golden_test.cc replays the cases on our engine.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type Pair struct{ Name, Value string }
type Item struct {
	Status string
	N      int
	hidden int
}

func (i Item) Up() string                { return "UP" + i.Status }
func (i Item) Join(a, b string) string   { return a + i.Status + b }

type Data struct {
	S, Empty string
	I        int
	F        float64
	B        bool
	L        []string
	M        map[string]string
	Any      map[string]any
	Mixed    []any
	It       Item
	Items    []Item
	Value    any
	Nil      any
}

var cases = []string{
	"plain", "a{{/* c */}}b", "a {{- /* c */ -}} b", "x  {{- 1 -}}  y", "x {{-3}} y", "{{1_000}} {{0x1F}} {{'a'}} {{1e3}} {{1.5}}",
	"{{\"q\\n\\\"x\\\"\"}}", "{{`raw {{`}}", "{{true}}", "{{nil}}", "{{.S}} {{.I}} {{.F}} {{.B}}", "{{.}}", "{{.L}} {{.M}} {{.Any}} {{.Mixed}}",
	"{{.It}} {{.Items}}", "{{.M.zz}}|{{.Any.zz}}|{{.Nil}}|{{.Any.nul}}", "{{.Any.zz.y}}", "{{.Foo}}", "{{.S.x}}", "{{.It.hidden}}", "{{.It.Up}} {{.It.Join \"<\" \">\"}}",
	"{{.It.Join \"<\"}}", "{{.I 3}}", "{{1 2}}", "{{.S | .I}}", "{{if .S}}a{{else}}b{{end}}", "{{if .Empty}}a{{else if .I}}c{{else}}b{{end}}",
	"{{if not .Empty}}e{{end}}", "{{with .S}}{{.}}{{else}}none{{end}}", "{{with .Empty}}{{.}}{{else with .I}}I{{.}}{{else}}none{{end}}", "{{with $x := .S}}{{$x}}{{$.I}}{{end}}",
	"{{range .L}}<{{.}}>{{end}}", "{{range $i, $e := .L}}{{$i}}={{$e}} {{end}}", "{{range $e := .M}}{{$e}} {{end}}", "{{range $k, $v := .M}}{{$k}}={{$v}} {{end}}",
	"{{range .Empty}}x{{else}}none{{end}}", "{{range 3}}{{.}}{{end}}", "{{range $i, $e := 3}}{{.}}{{end}}", "{{range $i := 3}}{{$i}}{{end}}", "{{range .Nil}}x{{else}}nil{{end}}",
	"{{range .L}}{{if eq . \"y\"}}{{break}}{{end}}{{.}}{{end}}", "{{range .L}}{{if eq . \"x\"}}{{continue}}{{end}}{{.}}{{end}}", "{{break}}", "{{continue}}",
	"{{range $a, $b, $c := .L}}{{end}}", "{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "{{$x := 1}}{{if true}}{{$x = 5}}{{end}}{{$x}}", "{{if true}}{{$y := 1}}{{end}}{{$y}}", "{{$x, $y := 1}}",
	"{{define \"a\"}}[{{.}}]{{end}}{{template \"a\" .S}}{{template \"a\"}}", "{{template \"nope\" .}}", "{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}x", "{{block \"b\" .S}}<{{.}}>{{end}}",
	"{{define \"r\"}}{{if .}}{{len .}}{{template \"r\" (slice . 1)}}{{end}}{{end}}{{template \"r\" \"abc\"}}", "{{$x := 1}}{{define \"a\"}}{{$x}}{{end}}", "{{define .S}}{{end}}", "{{template .S}}",
	"{{len \"héé\"}} {{len .L}} {{len .M}}", "{{len 3}}", "{{len .Nil}}", "{{index .L 1}} {{index .M \"a\"}} {{index .M \"zz\"}}| {{index \"abc\" 1}} {{index .Any \"list\" 0}}", "{{index .L 9}}", "{{index nil \"a\"}}", "{{index .L \"a\"}}", "{{index .M 1}}", "{{.L | index 0}}", "{{index .Nil 1}}",
	"{{slice \"abcdef\" 1 3}} {{slice .L 1}} {{slice \"abc\"}}", "{{slice \"abc\" 2 1}}", "{{slice 3 1}}", "{{html \"<a&'\\\">\"}} {{js \"it's <x>\"}} {{urlquery \"a b&c\"}} {{html .Nil}}",
	"{{eq 1 2 1}} {{eq .Nil nil}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 3 2}} {{ge 2 3}} {{eq \"a\" .S}} {{lt \"a\" \"b\"}} {{eq true .B}}", "{{eq 1 1.0}}", "{{eq \"a\" 1}}", "{{lt 1 2.0}}", "{{gt .F 1}}", "{{gt .F 1.0}}", "{{gt .Value 1.0}}", "{{eq .L .L}}", "{{lt true false}}", "{{eq}}", "{{not}}", "{{eq 1}}",
	"{{eq .L nil}}", "{{eq .Any.one 1}}", "{{eq .M .L}}", "{{lt .Nil 1}}", "{{and 1 0 2}} {{or 0 \"\" 3}} {{and true .S}} {{or .Empty \"d\"}} {{and}}", "{{and 1 0 2}} {{or 0 \"\" 3}} {{and true .S}} {{or .Empty \"d\"}}", "{{1 | and 0}} {{0 | or 2}}",
	"{{printf \"%.2f|%5.2f|%08.3f|%e|%g|%.4g\" 12.345 3.14159 3.14159 12345.678 0.1 1234567.0}}", "{{printf \"%.0f %.0f\" 2.5 3.5}}", "{{printf \"%d|%05d|%-5d|%+d|% d|%x|%X|%o|%b\" 7 42 42 7 42 255 255 8 5}}",
	"{{printf \"%s|%-5s|%.3s|%q|%x|%q|%c|%U|%10s|\" \"s\" \"ab\" \"abcdef\" \"q\" \"hi\" 65 97 65 \"日本\"}}", "{{printf \"%v|%+v|%T|%t|%5t|%%|%*d\" .L .It 1.5 true true 5 3}}", "{{printf \"%d|%d|%s|%s|%t|%.2f\" \"x\" 0.3 3 nil \"x\" 3}}",
	"{{printf \"%v %v\" 1}}{{printf \"%v\" 1 2}}{{printf \"%\"}}{{printf \"%z\" 1}}{{printf \"%!\"}}", "{{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%6.2f|%-8.3f|%+.1f\" 3.14159 3.14159 2.0}}", "{{printf \"%v %s %d\" .M .M .M}}", "{{printf \"%5d|%v|%q\" .Any.list .Mixed .L}}", "{{printf \"%#v %#v %#x %#o\" \"a\" 1.5 255 8}}", "{{printf \"%T %T %T %T %T\" .S .I .L .M .Nil}}",
	"{{print \"a\" 1 2 \"b\" \"c\" 3.0 true}} {{print nil}} {{println 1 \"a\"}}", "{{.F | printf \"%.1f-%s\" | len}}", "{{.S | printf \"%s-%s\" \"p\"}}", "{{printf 3}}", "{{(index .Items 0).Status}} {{(.It).N}}", "{{(.It).Foo}}", "{{.It.Status.x}}",
	"{{$.S}} {{$x := .It}}{{$x.Status}} {{$x.N}}", "{{$x := .It}}{{$x.Nope}}", "{{foo 1}}", "{{$y}}", "{{if}}x{{end}}", "x{{end}}", "x{{else}}", "{{if .S}}", "{{.S", "{{\"abc}}", "{{'a}}", "{{}", "{{}}", "{{1a}}", "{{true.S}}", "{{.S}}}}", "{{(.S}}", "{{.S)}}", "{{.S | }}", "{{| .S}}", "{{.S | 3}}", "{{with}}x{{end}}", "{{range .I2}}{{end}}",
	"{{range .S}}x{{end}}", "{{range .B}}x{{end}}", "line1\nline2 {{.Foo}}", "{{if true}}\n  {{.It.Foo.Bar}}\n{{end}}", "{{ .S\n}}", "{{\n\n.Foo\n}}", "{{/* unclosed", "{{/* a */ }}", "{{$}}", "{{$x := .S}}{{$x | len}}", "{{len (printf \"%s!\" .S)}}", "{{call .S}}", "{{call nil}}", "{{.L.x}}", "{{.M.x.y}}", "{{.Any.one}} {{.Any.list}} {{.Any.f}}", "{{.Any.one.x}}", "{{$v := .Any.one}}{{$v.x}}", "{{with .Any.one}}{{.x}}{{end}}",
	"{{if .Any.zz}}t{{else}}f{{end}}{{if .F}}t{{end}}{{if .It}}t{{end}}", "{{template \"x\" 1 2}}", "{{define \"x\"}}", "{{define \"x\"}}{{else}}{{end}}", "{{block \"x\"}}{{end}}", "{{a.b}}", "{{.S.}}", "{{..S}}", "{{#}}", "{{é}}", "{{\"\\q\"}}", "{{99999999999999999999}}", "{{18446744073709551615}}", "{{-9223372036854775808}}", "{{0x}}", "{{08}}", "{{1.}}", "{{.5}}", "{{1e}}", "{{+5}}", "{{range $i, .L}}{{end}}", "{{$i, $e := .L}}",
	"{{if true}}a{{else}}b{{else}}c{{end}}", "{{else if true}}", "{{with .S}}{{.}}{{else if true}}x{{end}}", "{{break 3}}", "{{range .L}}{{break x}}{{end}}", "{{.S}}{{- \" \" -}}{{.I}}", "{{range $i, $c := .Items}}{{$i}}:{{$c.Status}}{{if $c.N}}+{{end}}{{end}}", "{{range .Mixed}}[{{.}}]{{end}}", "{{range $k, $v := .Any}}{{$k}}={{$v}};{{end}}",
	"{{1000000.0}} {{100000.0}} {{123456789.0}} {{0.0001}} {{0.00001}} {{1e20}} {{1e21}} {{100000.5}}", "{{not 1}} {{not 0}} {{not \"\"}}", "{{$a := 1}}{{range .L}}{{$a = .}}{{end}}{{$a}}", "{{range $x := .L}}{{$x}}{{end}}{{$x}}", "{{len .It}}", "{{slice .M 1}}", "{{index 3 1}}", "{{.Items.x}}", "{{(printf \"%d\" 3).x}}", "{{eq .It .It}}", "{{html 1 \"a\" 2 3}}",
}

func main() {
	data := Data{S: "str", I: 42, F: 1234567, B: true, L: []string{"x", "y"}, M: map[string]string{"b": "1", "a": "z"},
		Any: map[string]any{"one": 1, "list": []any{1, "two"}, "f": 0.3, "nul": nil}, Mixed: []any{1, "a", nil, 2.5},
		It: Item{"up", 3, 1}, Items: []Item{{"up", 3, 1}, {"down", 0, 0}}, Value: 1.5}
	type result struct {
		Template string `json:"template"`
		Output   string `json:"output"`
		Error    string `json:"error"`
	}
	var out []result
	for _, text := range cases {
		r := result{Template: text}
		t, err := template.New("t").Option("missingkey=zero").Parse(text)
		if err == nil {
			var b strings.Builder
			err = t.Execute(&b, data)
			r.Output = b.String()
		}
		if err != nil {
			r.Output, r.Error = "", err.Error()
		}
		out = append(out, r)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	e.Encode(out)
}
