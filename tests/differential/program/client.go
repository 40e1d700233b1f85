package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// The server under test, by its HTTP API.
type tsdbd struct{ url string }

func (c *tsdbd) write(body writeBody) error {
	request, err := http.NewRequest(http.MethodPost, c.url+"/api/v1/write", bytes.NewReader(body.bytes))
	if err != nil {
		return err
	}
	body.setHeaders(request.Header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("tsdbd refuses a write: %s %s", response.Status, text)
	}
	return nil
}

// compact has everything sealed and rewritten.
func (c *tsdbd) compact() error {
	response, err := http.Post(c.url+"/api/v1/tsdbd/compact", "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("tsdbd does not compact: %s %s", response.Status, text)
	}
	return nil
}

func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) }

func (c *tsdbd) ask(q question) (answer, error) {
	form := url.Values{"query": {q.text}}
	path := "/api/v1/query"
	if q.isRange() {
		path = "/api/v1/query_range"
		form.Set("start", seconds(q.start))
		form.Set("end", seconds(q.end))
		form.Set("step", seconds(q.step))
	} else {
		form.Set("time", seconds(q.start))
	}
	if q.lookback > 0 {
		form.Set("lookback_delta", seconds(q.lookback))
	}
	if q.stats {
		form.Set("stats", "all")
	}
	response, err := http.PostForm(c.url+path, form)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	var decoded struct {
		Status, ErrorType, Error string
		Warnings, Infos          []string
		Data                     struct {
			ResultType string
			Result     json.RawMessage
			Stats      struct {
				Samples struct{ TotalQueryableSamples int64 }
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&decoded); err != nil {
		return answer{}, fmt.Errorf("status %s: %w", response.Status, err)
	}
	a := answer{errorType: decoded.ErrorType, errorText: decoded.Error, warnings: decoded.Warnings, infos: decoded.Infos}
	if decoded.Status != "success" {
		return a, nil
	}
	a.kind = decoded.Data.ResultType
	a.samples = decoded.Data.Stats.Samples.TotalQueryableSamples
	return a, a.readResult(decoded.Data.Result)
}

type wirePoint [2]json.RawMessage

func (a *answer) readResult(result json.RawMessage) error {
	switch a.kind {
	case "string":
		var pair wirePoint
		if err := json.Unmarshal(result, &pair); err != nil {
			return err
		}
		return json.Unmarshal(pair[1], &a.text)
	case "scalar":
		var pair wirePoint
		if err := json.Unmarshal(result, &pair); err != nil {
			return err
		}
		p, err := pair.float()
		a.series = []series{{points: []point{p}}}
		return err
	}
	var elements []struct {
		Metric     map[string]string
		Value      *wirePoint
		Histogram  *wirePoint
		Values     []wirePoint
		Histograms []wirePoint
	}
	if err := json.Unmarshal(result, &elements); err != nil {
		return err
	}
	for _, e := range elements {
		s := series{labels: labelText(e.Metric)}
		if e.Value != nil {
			e.Values = append(e.Values, *e.Value)
		}
		if e.Histogram != nil {
			e.Histograms = append(e.Histograms, *e.Histogram)
		}
		for _, pair := range e.Values {
			p, err := pair.float()
			if err != nil {
				return err
			}
			s.points = append(s.points, p)
		}
		for _, pair := range e.Histograms {
			p, err := pair.histogram()
			if err != nil {
				return err
			}
			s.points = append(s.points, p)
		}
		a.series = append(a.series, s)
	}
	return nil
}

func (w wirePoint) time() (int64, error) {
	t, err := strconv.ParseFloat(string(w[0]), 64)
	if t < 0 {
		return int64(t*1000 - 0.5), err
	}
	return int64(t*1000 + 0.5), err
}

func (w wirePoint) float() (point, error) {
	t, err := w.time()
	if err != nil {
		return point{}, err
	}
	var text string
	if err := json.Unmarshal(w[1], &text); err != nil {
		return point{}, err
	}
	v, err := strconv.ParseFloat(text, 64)
	return point{t: t, value: v}, err
}

func (w wirePoint) histogram() (point, error) {
	t, err := w.time()
	if err != nil {
		return point{}, err
	}
	var wire struct {
		Count, Sum string
		Buckets    [][4]any
	}
	if err := json.Unmarshal(w[1], &wire); err != nil {
		return point{}, err
	}
	h := &histogramAnswer{}
	if h.count, err = strconv.ParseFloat(wire.Count, 64); err != nil {
		return point{}, err
	}
	if h.sum, err = strconv.ParseFloat(wire.Sum, 64); err != nil {
		return point{}, err
	}
	for _, bucket := range wire.Buckets {
		var numbers [4]float64
		for i, item := range bucket {
			if numbers[i], err = strconv.ParseFloat(fmt.Sprint(item), 64); err != nil {
				return point{}, err
			}
		}
		h.buckets = append(h.buckets, numbers)
	}
	return point{t: t, histogram: h}, nil
}
