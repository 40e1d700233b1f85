package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/stats"

	promremote "github.com/prometheus/prometheus/storage/remote"
)

// A Prometheus of this process: its store, its remote-write receiver, its engine; set up as its main program does.
type reference struct {
	directory string
	db        *tsdb.DB
	engine    *promql.Engine
	receiver  http.Handler
}

func openReference(features bool) (*reference, error) {
	directory, err := os.MkdirTemp("", "tsdbd-differential")
	if err != nil {
		return nil, err
	}
	options := tsdb.DefaultOptions()
	options.RetentionDuration = 0
	options.OutOfOrderTimeWindow = int64(2 * time.Hour / time.Millisecond)
	db, err := tsdb.Open(directory, nil, nil, options, tsdb.NewDBStats())
	if err != nil {
		return nil, err
	}
	r := &reference{directory: directory, db: db}
	r.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  2 * time.Minute,
		LookbackDelta:            5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnableDelayedNameRemoval: features,
		Parser: parser.NewParser(parser.Options{
			EnableExperimentalFunctions:  features,
			ExperimentalDurationExpr:     true,
			EnableExtendedRangeSelectors: features,
			EnableBinopFillModifiers:     features,
		}),
	})
	messages := remote.MessageTypes{remote.WriteV1MessageType, remote.WriteV2MessageType}
	r.receiver = promremote.NewWriteHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), db, messages, false,
		false, false)
	return r, nil
}

// Prometheus leaves the order of series to the store, and which of equal values topk takes to that order. Sorted, it is ours.
type sortedStore struct{ storage.Queryable }

func (s sortedStore) Querier(from, to int64) (storage.Querier, error) {
	querier, err := s.Queryable.Querier(from, to)
	return sortedQuerier{querier}, err
}

type sortedQuerier struct{ storage.Querier }

func (s sortedQuerier) Select(ctx context.Context, _ bool, hints *storage.SelectHints,
	matchers ...*labels.Matcher) storage.SeriesSet {
	return s.Querier.Select(ctx, true, hints, matchers...)
}

func (r *reference) close() {
	r.db.Close()
	os.RemoveAll(r.directory)
}

func (r *reference) write(body writeBody) error {
	request := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(body.bytes))
	body.setHeaders(request.Header)
	recorder := httptest.NewRecorder()
	r.receiver.ServeHTTP(recorder, request)
	if recorder.Code/100 != 2 {
		return fmt.Errorf("Prometheus refuses a write: %d %s", recorder.Code, recorder.Body)
	}
	return nil
}

func (r *reference) ask(q question) answer {
	var query promql.Query
	var err error
	ctx := context.Background()
	store := sortedStore{r.db}
	opts := promql.NewPrometheusQueryOpts(false, time.Duration(q.lookback)*time.Millisecond)
	if q.isRange() {
		query, err = r.engine.NewRangeQuery(ctx, store, opts, q.text, time.UnixMilli(q.start), time.UnixMilli(q.end),
			time.Duration(q.step)*time.Millisecond)
	} else {
		query, err = r.engine.NewInstantQuery(ctx, store, opts, q.text, time.UnixMilli(q.start))
	}
	if err != nil {
		return answer{errorType: "bad_data", errorText: "invalid parameter \"query\": " + err.Error()}
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return answer{errorType: errorTypeOf(result.Err), errorText: result.Err.Error()}
	}
	a := answerOf(result.Value)
	a.warnings, a.infos = result.Warnings.AsStrings(query.String(), 10, 10)
	if q.stats {
		a.samples = stats.NewQueryStats(query.Stats()).Builtin().Samples.TotalQueryableSamples
	}
	return a
}

// As Prometheus' API calls them.
func errorTypeOf(err error) string {
	var canceled promql.ErrQueryCanceled
	var timeout promql.ErrQueryTimeout
	var storageError promql.ErrStorage
	switch {
	case errors.As(err, &canceled):
		return "canceled"
	case errors.As(err, &timeout):
		return "timeout"
	case errors.As(err, &storageError):
		return "internal"
	}
	return "execution"
}

func answerOf(value parser.Value) answer {
	a := answer{kind: string(value.Type())}
	switch v := value.(type) {
	case promql.Scalar:
		a.series = []series{{points: []point{{t: v.T, value: v.V}}}}
	case promql.String:
		a.text = v.V
	case promql.Vector:
		for _, sample := range v {
			s := series{labels: labelText(sample.Metric.Map())}
			s.points = append(s.points, pointOf(sample.T, sample.F, sample.H))
			a.series = append(a.series, s)
		}
	case promql.Matrix:
		for _, one := range v {
			s := series{labels: labelText(one.Metric.Map())}
			for _, f := range one.Floats {
				s.points = append(s.points, point{t: f.T, value: f.F})
			}
			for _, h := range one.Histograms {
				s.points = append(s.points, pointOf(h.T, 0, h.H))
			}
			a.series = append(a.series, s)
		}
	}
	return a
}

func pointOf(t int64, value float64, h *histogram.FloatHistogram) point {
	if h == nil {
		return point{t: t, value: value}
	}
	p := point{t: t, histogram: &histogramAnswer{count: h.Count, sum: h.Sum}}
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		if b.Count == 0 {
			continue // the API leaves empty buckets out
		}
		boundaries := 0.0
		switch {
		case b.LowerInclusive && b.UpperInclusive:
			boundaries = 3
		case b.LowerInclusive:
			boundaries = 1
		case !b.UpperInclusive:
			boundaries = 2
		}
		p.histogram.buckets = append(p.histogram.buckets, [4]float64{boundaries, b.Lower, b.Upper, b.Count})
	}
	return p
}

func labelText(m map[string]string) string { return labels.FromMap(m).String() }
