#!/usr/bin/env python3
"""Asks tsdbd and a real InfluxDB 1.x the same random questions and compares the answers byte for byte.

    main.py --url http://127.0.0.1:9090 --seed 1 --questions 3000        # starts its own influxd
    main.py --url ... --peer http://127.0.0.1:8086 --query 'SELECT ...'  # one question, both answers

Both servers must be empty. Exit 1 if there was any difference.
"""
import argparse
import json
import math
import random
import re
import shutil
import struct
import sys
import tempfile

import data
import exchanges
from questions import MEASUREMENTS, Questions
from servers import Answer, Influxd, Server, quoted
from writes import Writes


VARYING = re.compile(rb"shard [0-9]+:|dropped=[1-9][0-9]*\"}]}")
GZIP = re.compile(rb'{"error":"(gzip: |flate: |unexpected EOF)')
# Of 2025 and later.
NOW = re.compile(rb"\b1[789][0-9]{17}\b(?<!171[0-9]{16})")
LOOSE = False  # whole numbers may be floats that were computed


def close(a, b):
    """Equal but for the last digits of numbers, which depend on the order of summing."""
    if isinstance(a, float) or isinstance(b, float) or (LOOSE and isinstance(a, int) and abs(a) > 10**12):
        return (isinstance(a, (int, float)) and isinstance(b, (int, float)) and
                math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-7))
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close, a, b))
    return a == b


def documents(answer):
    """What a body says, as far as it can be read."""
    if answer.content_type == "application/x-msgpack":
        return [MsgPack(answer.body).value()]
    lines = answer.body.decode("utf-8", "replace").splitlines()
    if answer.content_type == "text/csv":
        return [[number_of(field) for field in line.split(",")] for line in lines]
    try:
        return [json.loads(answer.body)]
    except ValueError:
        return [json_or_text(line) for line in lines]


def json_or_text(line):
    """A chunk; InfluxDB writes an error in the place of one with an infinite number."""
    try:
        return json.loads(line)
    except ValueError:
        return line


def number_of(text):
    try:
        return float(text)
    except ValueError:
        return text


class MsgPack:
    """As much of MessagePack as answers need."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def size(self, count):
        return int.from_bytes(self.take(count), "big")

    def value(self):
        head = self.size(1)
        if head < 0x80:
            return head
        if head >= 0xe0:
            return head - 256
        if head < 0x90:
            return self.map(head & 15)
        if head < 0xa0:
            return self.array(head & 15)
        if head < 0xc0:
            return self.take(head & 31).decode()
        if head in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[head]
        if head == 0xc7:
            return ["time", self.take(self.size(1) + 1).hex()]
        if head == 0xcb:
            return struct.unpack(">d", self.take(8))[0]
        if 0xd0 <= head <= 0xd3:
            return int.from_bytes(self.take(1 << (head - 0xd0)), "big", signed=True)
        if 0xd9 <= head <= 0xdb:
            return self.take(self.size(1 << (head - 0xd9))).decode()
        if head in (0xdc, 0xdd):
            return self.array(self.size(2 << (head - 0xdc)))
        if head in (0xde, 0xdf):
            return self.map(self.size(2 << (head - 0xde)))
        raise ValueError(f"MessagePack {head:#x}")

    def array(self, count):
        return [self.value() for _ in range(count)]

    def map(self, count):
        return dict(sorted((self.value(), self.value()) for _ in range(count)))


def same(a, b):
    if a.key() == b.key():
        return True
    # An error of a DELETE bears the number of one of InfluxDB's shards, one of an INTO that of points written at once.
    if VARYING.sub(b"", a.body) == VARYING.sub(b"", b.body):
        return a.status == b.status
    if a.key()[:3] != b.key()[:3]:
        return False
    if a.content_type == "application/json":
        return exchanges.same_but_for_digits(a.body, b.body)
    try:
        return close(documents(a), documents(b))
    except (ValueError, IndexError, KeyError):
        return False


def same_but_for_order(a, b):
    """integral() and other streams of points close their series in an order of chance."""
    def sorted_series(answer):
        found = documents(answer)
        for document in found:
            for result in document.get("results", []):
                result.get("series", []).sort(key=lambda series: json.dumps([series.get("name"), series.get("tags")], sort_keys=True))
        return found
    global LOOSE
    LOOSE = True
    try:
        return close(sorted_series(a), sorted_series(b))
    except (ValueError, AttributeError):
        return False
    finally:
        LOOSE = False


def same_but_for_ties(a, b):
    """Rows of one time in any order."""
    def sorted_rows(answer):
        found = documents(answer)
        for document in found:
            for result in document.get("results", []):
                for series in result.get("series", []):
                    series["values"].sort(key=json.dumps)
        return found
    try:
        return a.status == b.status and sorted_rows(a) == sorted_rows(b)
    except AttributeError:  # CSV
        return a.status == b.status and sorted(map(str, documents(a))) == sorted(map(str, documents(b)))


def same_but_for_times(a, b):
    """One row a series, with another time."""
    def without_times(answer):
        found = documents(answer)
        for document in found:
            for result in document.get("results", []):
                for series in result.get("series", []):
                    if len(series.get("values", [])) == 1:
                        series["values"][0].pop(0)
        return found
    try:
        return a.status == b.status and without_times(a) == without_times(b)
    except AttributeError:
        return False


def both_partial(a, b):
    """Points without a time lie in another shard, and InfluxDB tells of what one of its shards dropped, if in time."""
    return a.status == b.status and all(re.match(rb'{"error":"partial write: .*dropped=', x.body) for x in (a, b))


class Comparison:
    def __init__(self, ours, theirs, verbose):
        self.ours, self.theirs, self.verbose = ours, theirs, verbose
        self.asked = self.differences = self.undecided = 0

    def ask(self, title, *request, ties=False, **kwargs):
        self.asked += 1
        mine = self.ours.ask(*request, **kwargs)
        real = self.theirs.ask(*request, **kwargs)
        if same(mine, real) or (ties and same_but_for_ties(mine, real)):
            return real
        # A difference counts only if InfluxDB sticks to its answer.
        if request[0] == "GET" and any(not same(self.theirs.ask(*request, **kwargs), real) for _ in range(7)):
            self.undecided += 1
            return real
        # A regex in FROM and a function that refuses its argument: InfluxDB's own code fails.
        if b"[panic:" in real.body:
            self.undecided += 1
            return real
        # Of equal values, which one a percentile() is depends on how Go sorts.
        if "percentile(" in title and same_but_for_times(mine, real):
            self.undecided += 1
            return real
        if any(name in title for name in ("integral(", "pow(", "exp(")) and same_but_for_order(mine, real):
            self.undecided += 1
            return real
        self.differences += 1
        self.show(title, mine, real)
        return real

    def show(self, title, mine, real):
        print("---", re.sub("(y{20})y+", r"\1...", title))
        a, b = mine.body, real.body
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        begin = 0 if self.verbose else max(0, at - 150)
        end = None if self.verbose else at + 250
        if mine.key()[:3] != real.key()[:3]:
            print("  ours  ", mine.key()[:3])
            print("  theirs", real.key()[:3])
        print("  ours  ", a[begin:end].decode("utf-8", "replace"))
        print("  theirs", b[begin:end].decode("utf-8", "replace"))
        sys.stdout.flush()


def prepare(c, rng):
    for name in c.ours.column("SHOW DATABASES"):  # what tsdbd has from the start
        c.theirs.column("CREATE DATABASE " + quoted(name))
    for statement in (f"CREATE DATABASE {data.DATABASE}", f"CREATE RETENTION POLICY other ON {data.DATABASE} DURATION INF REPLICATION 1 SHARD DURATION 1d"):
        c.ask(statement, "POST", "/query", {"q": statement})
    for policy, lines in data.good_lines(rng):
        for at in range(0, len(lines), 500):
            c.ask("write", "POST", "/write", {"db": data.DATABASE, "rp": policy}, "\n".join(lines[at:at + 500]).encode())


def form_of(rng):
    """Further parameters and headers of a /query."""
    parameters, headers = {}, {}
    if rng.random() < 0.5:
        parameters["epoch"] = rng.choice(["ns", "n", "u", "ms", "s", "m", "h", "us", "x", ""])
    if rng.random() < 0.08:
        parameters["pretty"] = rng.choice(["true", "false", "1"])
    if rng.random() < 0.1:
        parameters["chunked"] = rng.choice(["true", "true", "false", "1"])
        if rng.random() < 0.7:
            parameters["chunk_size"] = str(rng.choice([1, 3, 10, 100, 0, -1, "x"]))
    if rng.random() < 0.12:
        headers["Accept"] = rng.choice(["application/csv", "text/csv", "application/json", "*/*", "text/plain", "application/x-msgpack"])
    if rng.random() < 0.05:
        parameters["rp"] = rng.choice(["other", "autogen", "nope"])
    return parameters, headers


def compare_questions(c, rng, count):
    questions = Questions(rng)
    for _ in range(count):
        statements = [questions.statement()]
        while rng.random() < 0.05:
            statements.append(questions.statement())
        parameters, headers = form_of(rng)
        q = "; ".join(statements)
        if "POLICIES" in q and "csv" in headers.get("Accept", ""):
            headers = {}  # InfluxDB writes the column's name in the place of the number of replicas
        c.ask(f"{q}   {parameters or ''}{headers or ''}", "GET", "/query", {"db": data.DATABASE, "q": q, **parameters},
              headers=headers, ties="), " in q or ", (SELECT" in q)


def compare_bound(c, rng, count):
    questions = Questions(rng)
    for _ in range(count):
        q, values = questions.bound()
        c.ask(f"{q} {values}", "GET", "/query", {"db": data.DATABASE, "q": q, "params": json.dumps(values), "epoch": "s"})


def compare_into(c, rng, count):
    """SELECT INTO another database, and what is there then."""
    questions = Questions(rng)
    for n in range(count):
        database = f"copies{n}"
        c.ask("CREATE", "POST", "/query", {"q": f"CREATE DATABASE {database}"})
        q = questions.into().replace("copies.", f"{database}.")
        # Neither side is asked twice to write.
        c.ask(q, "POST", "/query", {"db": data.DATABASE, "q": q, "epoch": "s"})
        for written in (f"SELECT * FROM {database}.autogen././", "SELECT * FROM t", 'SELECT * FROM "t 2"'):
            c.ask(f"{written} after {q}", "GET", "/query", {"db": data.DATABASE, "q": written, "epoch": "ns"}, ties=True)


def compare_deletions(c, rng, count):
    """DELETE and DROP, and what is left; the data again after every few."""
    questions = Questions(rng)
    for n in range(count):
        if n % 5 == 0:
            database = f"del{n}"
            for q in (f"CREATE DATABASE {database}", f"CREATE RETENTION POLICY other ON {database} DURATION INF REPLICATION 1 SHARD DURATION 1d"):
                c.ask(q, "POST", "/query", {"q": q})
            listed_all = True
            for policy, lines in data.good_lines(random.Random(f"deletions {n}")):
                c.ask("write", "POST", "/write", {"db": database, "rp": policy}, "\n".join(lines[:200]).encode())
        q = questions.deletion()
        c.ask(q, "POST", "/query", {"db": database, "q": q})
        # InfluxDB forgets a series with its last point. Here one of which all points were deleted by their times is still listed.
        listed_all = listed_all and "time" not in q
        # And without tsi1 its measurement stays listed.
        listed = () if not listed_all else ("SHOW SERIES",)
        for left in ("SELECT f, i, n, v, w, value, s, b FROM /./", "SELECT f, i FROM other././", *listed):
            c.ask(f"{left} after {q}", "GET", "/query", {"db": database, "q": left, "epoch": "ns"}, ties=True)


def compare_broken(c, rng, count):
    questions = Questions(rng)
    for _ in range(count):
        q = questions.broken()
        c.ask(q, "GET", "/query", {"db": data.DATABASE, "q": q, "params": '{"p": 1}'})


def fresh_database(c, name):
    for statement in (f"CREATE DATABASE {name}", f"CREATE RETENTION POLICY other ON {name} DURATION INF REPLICATION 1 SHARD DURATION 1h"):
        c.ask(statement, "POST", "/query", {"q": statement})


def without_empty_tags(body):
    """Which tags without a value are shown goes by the shards of a database."""
    def pair_up(pairs):
        return {k: {t: v for t, v in x.items() if v} if k == "tags" else x for k, x in pairs if k != "tags" or any(x.values())}
    return json.dumps(json.loads(body.replace(b"now", b'"now"'), object_pairs_hook=pair_up), ensure_ascii=False).encode("utf-8", "surrogatepass")


class WriteComparison:
    """Random writes into a new database, again and again, and what is there afterwards."""

    def __init__(self, c, rng, v2):
        self.c, self.writes = c, Writes(rng, v2)
        self.database, self.sent, self.made = None, [], 0

    def start_anew(self):
        if self.database:
            for server in (self.c.ours, self.c.theirs):
                server.column("DROP DATABASE " + self.database)
        self.made += 1
        self.database = f"wr{self.made}"
        self.sent = []
        fresh_database(self.c, self.database)
        for server in (self.c.ours, self.c.theirs):  # InfluxDB's SHOW SERIES is empty without a shard of the default policy
            server.ask("POST", "/write", {"db": self.database}, b"first f=1 1710720000000000000")

    def run(self, count):
        for n in range(count):
            if n % 50 == 0:
                self.start_anew()
            request = self.writes.request(self.database)
            self.sent.append(request)
            if not self.send(request):
                self.start_anew()
            elif n % 50 == 49 or n == count - 1:
                self.compare_stored()

    def send(self, request):
        """Whether both have stored the same, as far as their answers tell."""
        c = self.c
        c.asked += 1
        mine, real = request.ask(c.ours), request.ask(c.theirs)
        why = self.unlike(request, mine, real)
        # Points of one request that give a new field two types: InfluxDB keeps none of them.
        if b'"field type conflict"' in real.body or (why and request.lines > 1 and both_partial(mine, real)):
            c.undecided += 1
            return not why
        if why:
            c.differences += 1
            title, mine, real = self.smallest(request) or (f"{request}\n  {why}", mine, real)
            c.show(title, mine, real)
        return not why

    @staticmethod
    def unlike(request, mine, real):
        """What is different about two answers to a write."""
        why = exchanges.difference(mine, real)
        if not why:
            return None
        # Go tells where gzip is damaged, and does not look at all that zlib does.
        if request.headers.get("Content-Encoding") == "gzip" and all(GZIP.match(x.body) for x in (mine, real)):
            return None
        # Ours is compressed when that is worth it.
        if why.startswith("header content-encoding:") and exchanges.body_of(mine) == exchanges.body_of(real):
            return None
        # Go puts zero bytes into headers.
        if why.startswith("header x-influxdb-error:") and "\0" in real.error_header and mine.body == real.body:
            return None
        # A long list of errors is cut here.
        if re.search(rb"\\nand [0-9]+ more lines", mine.body):
            return None
        return why

    def questions(self):
        for policy in ("autogen", "other"):
            yield f"SELECT * FROM {self.database}.{policy}./.*/ GROUP BY *"
            yield f"SHOW FIELD KEYS ON {self.database} FROM {self.database}.{policy}././"
        for what in ("MEASUREMENTS", "SERIES", "TAG KEYS"):
            yield f"SHOW {what} ON {self.database}"

    def difference(self):
        """(question, ours, theirs), or nothing. Points without a time have one of their own on either side."""
        for q in self.questions():
            pair = [server.ask("GET", "/query", {"q": q, "epoch": "ns"}) for server in (self.c.ours, self.c.theirs)]
            for answer in pair:
                answer.body = without_empty_tags(NOW.sub(b"now", answer.body))
            if not same(*pair):
                return (q, *pair)
        return None

    def compare_stored(self):
        self.c.asked += 7
        first = self.difference()
        if first:
            self.c.differences += 1
            self.c.show(*(self.smallest() or first))

    def smallest(self, answered=None):
        """The difference with few of the requests and lines that show it, or nothing if it is not there again. In what is stored
        or in how the request `answered` is answered."""
        tries = 0

        def found(sent):
            nonlocal tries
            tries += 1
            self.start_anew()
            for request in sent:
                if request.parameters.get("db", "").startswith("wr"):
                    request.parameters["db"] = self.database
                pair = [request.ask(server) for server in (self.c.ours, self.c.theirs)]
                if b'"field type conflict"' in pair[1].body:
                    return None
                if request is answered:
                    why = self.unlike(request, *pair)
                    return (why, *pair) if why else None
            return None if answered else self.difference()

        def fewer(items, rest):
            """Without as many of the items as can be done without; `rest` tells what is found without them."""
            nonlocal best
            size = len(items) // 2
            while size and tries < 200:
                at = 0
                while at < len(items) and tries < 200:
                    difference = rest(items[:at] + items[at + size:])
                    if difference:
                        best, items = difference, items[:at] + items[at + size:]
                    else:
                        at += size
                size //= 2
            return items

        sent = self.sent  # start_anew() gives it up
        best = found(sent)
        left = fewer(sent, found) if best else []
        for request in left:
            if request.headers.get("Content-Encoding") != "gzip":
                def without(lines, request=request):
                    request.body = b"\n".join(lines)
                    return found(left)
                request.body = b"\n".join(fewer(request.body.split(b"\n"), without))
        if not best:
            return None
        q, mine, real = best
        return "\n  ".join(map(str, left)) + "\n  " + q, mine, real


def ask_exchanges(o, home):
    root = ("root", "pw")
    with Influxd(home + "/open") as peer, Influxd(home + "/auth", auth=True) as peer_with_auth:
        asked, differences = exchanges.run((Server(o.url), Server(peer.url)),
                                           (Server(o.auth_url, root), Server(peer_with_auth.url, root)), o.only, o.verbose)
    print(f"{asked} exchanges, {differences} differences")
    return 1 if differences or not asked else 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--url", required=True, help="the tsdbd")
    options.add_argument("--peer", help="a running InfluxDB; else influxd is started")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--questions", type=int, default=2000)
    options.add_argument("--broken", type=int, default=500)
    options.add_argument("--writes", type=int, default=500)
    options.add_argument("--v2", action="store_true", help="the peer is an InfluxDB 1.8, which has /api/v2/write")
    options.add_argument("--bound", type=int, default=100)
    options.add_argument("--into", type=int, default=100)
    options.add_argument("--deletions", type=int, default=60)
    options.add_argument("--auth-url", help="a tsdbd with authentication and no user yet: what is written down in exchanges/ is asked, nothing else")
    options.add_argument("--only", default="", help="of exchanges/ only the files with this in their names")
    options.add_argument("--query", help="ask this only, of data written before")
    options.add_argument("--keep-data", action="store_true", help="the data was written before with the same seed")
    options.add_argument("--spoil", action="store_true", help="write a point more into InfluxDB: shows that differences are seen")
    options.add_argument("-v", "--verbose", action="store_true")
    o = options.parse_args()
    home = tempfile.mkdtemp(prefix="influxd-")
    started = None
    try:
        if o.auth_url:
            return ask_exchanges(o, home)
        if not o.peer:
            started = Influxd(home).__enter__()
        c = Comparison(Server(o.url), Server(o.peer or started.url), o.verbose or bool(o.query))
        if o.query:
            request = ("GET", "/query", {"db": data.DATABASE, "q": o.query, "epoch": "ns"})
            c.show(o.query, c.ours.ask(*request), c.theirs.ask(*request))
            return 0
        if not o.keep_data:
            prepare(c, random.Random(f"data {o.seed}"))
        if o.spoil:
            c.theirs.ask("POST", "/write", {"db": data.DATABASE}, f"cpu,host=a f=1,i=1i {data.BASE + 61 * 10**9}")
        compare_questions(c, random.Random(f"questions {o.seed}"), o.questions)
        compare_broken(c, random.Random(f"broken {o.seed}"), o.broken)
        compare_bound(c, random.Random(f"bound {o.seed}"), o.bound)
        WriteComparison(c, random.Random(f"writes {o.seed}"), o.v2).run(o.writes)
        compare_into(c, random.Random(f"into {o.seed}"), o.into)
        compare_deletions(c, random.Random(f"deletions {o.seed}"), o.deletions)
        print(f"seed {o.seed}: {c.asked} questions, {c.undecided} undecided by InfluxDB itself, {c.differences} differences")
        return 1 if c.differences else 0
    finally:
        if started:
            started.__exit__()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
