package main

import (
	"fmt"
	"net/http"
	"sort"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
)

// The body of one remote write.
type writeBody struct {
	bytes    []byte
	version2 bool
}

func (b writeBody) setHeaders(h http.Header) {
	h.Set("Content-Encoding", "snappy")
	h.Set("User-Agent", "tsdbd-differential")
	if b.version2 {
		h.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")
		h.Set("X-Prometheus-Remote-Write-Version", "2.0.0")
		return
	}
	h.Set("Content-Type", "application/x-protobuf")
	h.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
}

const sliceLength = 10 * 60 * 1000

// writeEverywhere writes the data in slices of ten minutes, in turn as remote write 1.0 and 2.0. Every seventh pair of
// slices changes places, so that half of it comes late. In the middle tsdbd rewrites what it has, so that late samples meet
// chunks that are sealed, too.
func writeEverywhere(data *dataset, reference *reference, client *tsdbd, skipClient bool) error {
	var bodies []writeBody
	for from, n := data.start, 0; from < data.end+sliceLength; from, n = from+sliceLength, n+1 {
		slice := data.between(from, from+sliceLength)
		if len(slice) == 0 {
			continue
		}
		body, err := encode(slice, n%2 == 1)
		if err != nil {
			return err
		}
		bodies = append(bodies, body)
	}
	for i := 6; i+1 < len(bodies); i += 7 {
		bodies[i], bodies[i+1] = bodies[i+1], bodies[i]
	}
	for i, body := range bodies {
		if i == len(bodies)/2+3 && !skipClient {
			if err := client.compact(); err != nil {
				return err
			}
		}
		if err := reference.write(body); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
		if skipClient {
			continue
		}
		if err := client.write(body); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
	}
	return nil
}

func (d *dataset) between(from, to int64) []writtenSeries {
	var slice []writtenSeries
	for _, s := range d.series {
		first := sort.Search(len(s.samples), func(i int) bool { return s.samples[i].t >= from })
		last := sort.Search(len(s.samples), func(i int) bool { return s.samples[i].t >= to })
		if first < last {
			slice = append(slice, writtenSeries{labels: s.labels, samples: s.samples[first:last]})
		}
	}
	return slice
}

func encode(slice []writtenSeries, version2 bool) (writeBody, error) {
	var raw []byte
	var err error
	if version2 {
		raw, err = encodeV2(slice)
	} else {
		raw, err = encodeV1(slice)
	}
	return writeBody{bytes: snappy.Encode(nil, raw), version2: version2}, err
}

func encodeV1(slice []writtenSeries) ([]byte, error) {
	request := &prompb.WriteRequest{}
	for _, s := range slice {
		one := prompb.TimeSeries{}
		labels.FromMap(s.labels).Range(func(l labels.Label) {
			one.Labels = append(one.Labels, prompb.Label{Name: l.Name, Value: l.Value})
		})
		for _, x := range s.samples {
			switch {
			case x.whole != nil:
				one.Histograms = append(one.Histograms, prompb.FromIntHistogram(x.t, x.whole))
			case x.float != nil:
				one.Histograms = append(one.Histograms, prompb.FromFloatHistogram(x.t, x.float))
			default:
				one.Samples = append(one.Samples, prompb.Sample{Timestamp: x.t, Value: x.value})
			}
		}
		request.Timeseries = append(request.Timeseries, one)
	}
	return request.Marshal()
}

func encodeV2(slice []writtenSeries) ([]byte, error) {
	symbols := writev2.NewSymbolTable()
	request := &writev2.Request{}
	for _, s := range slice {
		one := writev2.TimeSeries{LabelsRefs: symbols.SymbolizeLabels(labels.FromMap(s.labels), nil)}
		// A series of this version has floats or histograms, not both.
		histograms := writev2.TimeSeries{LabelsRefs: one.LabelsRefs}
		for _, x := range s.samples {
			switch {
			case x.whole != nil:
				histograms.Histograms = append(histograms.Histograms, writev2.FromIntHistogram(0, x.t, x.whole))
			case x.float != nil:
				histograms.Histograms = append(histograms.Histograms, writev2.FromFloatHistogram(0, x.t, x.float))
			default:
				one.Samples = append(one.Samples, writev2.Sample{Timestamp: x.t, Value: x.value})
			}
		}
		for _, part := range []writev2.TimeSeries{one, histograms} {
			if len(part.Samples)+len(part.Histograms) > 0 {
				request.Timeseries = append(request.Timeseries, part)
			}
		}
	}
	request.Symbols = symbols.Symbols()
	return request.Marshal()
}
