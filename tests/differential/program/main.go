// Command differential asks a running tsdbd and a Prometheus inside this process the same generated
// questions about the same remote-written data, and prints every answer that is not the same.
//
//	differential -url http://127.0.0.1:9090 -seed 1 -questions 2000 [-features all]
//
// The tsdbd must be empty and keep what is written at -start (see --storage.retention.time). It exits with 1 when an
// answer differs, with 2 when something is wrong that is no difference.
package main

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"time"
)

type options struct {
	url       string
	seed      int64
	questions int
	start     int64
	features  bool
	skipWrite bool
	only      string
	at        string
	maxShown  int
}

func parseOptions() options {
	var o options
	var features string
	flag.StringVar(&o.url, "url", "http://127.0.0.1:9090", "the tsdbd")
	flag.Int64Var(&o.seed, "seed", 1, "of data and questions")
	flag.IntVar(&o.questions, "questions", 2000, "how many")
	flag.Int64Var(&o.start, "start", 1_767_225_600, "time of the first sample, Unix seconds")
	flag.StringVar(&features, "features", "none", "none or all: what tsdbd was given as --enable-feature")
	flag.BoolVar(&o.skipWrite, "skip-write", false, "tsdbd has the data of this seed already")
	flag.StringVar(&o.only, "query", "", "ask this question alone and print both answers")
	flag.StringVar(&o.at, "at", "", "with -query: TIME, or START,END,STEP, in seconds from -start")
	flag.IntVar(&o.maxShown, "show", 20, "print so many differences")
	flag.Parse()
	o.features = features == "all"
	return o
}

func main() {
	o := parseOptions()
	differences, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(2)
	}
	if differences > 0 {
		os.Exit(1)
	}
}

func run(o options) (int, error) {
	reference, err := openReference(o.features)
	if err != nil {
		return 0, err
	}
	defer reference.close()
	client := &tsdbd{url: strings.TrimSuffix(o.url, "/")}
	data := generateData(rand.New(rand.NewSource(o.seed)), o.start*1000)
	began := time.Now()
	if err := writeEverywhere(data, reference, client, o.skipWrite); err != nil {
		return 0, err
	}
	fmt.Printf("seed %d: %d series, %d samples written in %.1fs\n", o.seed, len(data.series), data.sampleCount(),
		time.Since(began).Seconds())
	if o.only != "" {
		return askOne(o, reference, client)
	}
	return askAll(o, data, reference, client)
}

func askOne(o options, reference *reference, client *tsdbd) (int, error) {
	q, err := parseQuestion(o.only, o.at, o.start*1000)
	if err != nil {
		return 0, err
	}
	want := reference.ask(q)
	got, err := client.ask(q)
	if err != nil {
		return 0, err
	}
	fmt.Printf("Prometheus: %s\ntsdbd:      %s\n", want, got)
	if difference := compare(q, want, got); difference != "" {
		fmt.Println("differs:", difference)
		return 1, nil
	}
	return 0, nil
}

// byChance tells whether Prometheus itself does not always give the answer that it gave: which of equal values topk
// takes, for one, goes by the order of a Go map.
func byChance(reference *reference, q question, want, got answer) bool {
	for i := 0; i < 20; i++ {
		again := reference.ask(q)
		if compare(q, again, got) == "" || compare(q, want, again) != "" {
			return true
		}
	}
	return false
}

func askAll(o options, data *dataset, reference *reference, client *tsdbd) (int, error) {
	generator := &generator{rng: rand.New(rand.NewSource(o.seed + 1_000_003)), data: data, features: o.features}
	differences, failing, empty := 0, 0, 0
	var referenceTime, ourTime time.Duration
	for i := 0; i < o.questions; i++ {
		// The second half asks for what is sealed and rewritten.
		if i == o.questions/2 {
			if err := client.compact(); err != nil {
				return differences, err
			}
		}
		q := generator.question()
		began := time.Now()
		want := reference.ask(q)
		referenceTime += time.Since(began)
		began = time.Now()
		got, err := client.ask(q)
		if err != nil {
			return differences, fmt.Errorf("%s: %w", q, err)
		}
		ourTime += time.Since(began)
		if want.errorType != "" {
			failing++
		} else if len(want.series) == 0 {
			empty++
		}
		if difference := compare(q, want, got); difference != "" && !byChance(reference, q, want, got) {
			differences++
			if differences <= o.maxShown {
				fmt.Printf("%s\n    %s\n", q, difference)
			}
		}
	}
	fmt.Printf("seed %d: %d questions (%d fail, %d give nothing), %d differences; Prometheus %.1fs, tsdbd %.1fs\n", o.seed,
		o.questions, failing, empty, differences, referenceTime.Seconds(), ourTime.Seconds())
	return differences, nil
}
