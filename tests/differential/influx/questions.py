"""Random statements of InfluxQL, most of them right."""
import re

from data import BASE, DAY, HOUR

SECOND = 10**9
MEASUREMENTS = {
    # name: (fields of a number, other fields, tags)
    "cpu": (["f", "i"], ["s", "b"], ["host", "region"]),
    "days": (["f", "n"], ["s"], ["host", "zone"]),
    "mixed": (["v", "w"], [], ["host"]),
    '"we ird,m"': (['"fi eld"', "time2"], ["host"], ['"ho,st"', '"ta g"']),
    "both": (["value", "dup"], [], ["dup"]),
    "notags": (["u", "v"], [], []),
    "old": (["v"], [], ["host"]),
    "big": (["v", "w", "x", "y", "z", "i", "j", "k"], [], ["host"]),
    '"select"': (['"group"', '"order"'], [], ['"from"']),
}
DENSE = ["cpu", '"we ird,m"', "both", "notags"]
# Not asked, because the answer depends on how Go sorts equal values: mode(), and when the one point of a percentile() was.
AGGREGATES = ["count", "sum", "mean", "median", "spread", "stddev", "integral"]
SELECTORS = ["first", "last", "min", "max", "percentile", "sample", "top", "bottom"]
TRANSFORMS = ["derivative", "non_negative_derivative", "difference", "non_negative_difference", "moving_average",
              "cumulative_sum", "elapsed"]
# abs() of an integer below zero is that integer in 1.6, which 1.8 put right.
STEADY_MATHS = ["ceil", "floor", "round", "sqrt", "ln", "log2", "log10", "atan"]
MATHS = STEADY_MATHS + ["exp", "sin", "cos", "tan", "asin", "acos"]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Australia/Lord_Howe", "America/Sao_Paulo"]
PATTERNS = ["/a/", "/^[ab]$/", "/.*/", "/b|c/", "/^$/", "/./", "/eu/", "/(?i)A/", "/x y/", "/^f/", "/z/"]


class Questions:
    def __init__(self, rng):
        self.rng = rng

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, *choices):
        return self.rng.choice(choices)

    # ---- expressions

    def value_field(self, m):
        numbers, others, tags = m
        roll = self.rng.random()
        if roll < 0.82 or not (others or tags):
            return self.rng.choice(numbers)
        if roll < 0.94 and others:
            return self.rng.choice(others)
        if roll < 0.97 and tags:
            return self.rng.choice(tags)
        return self.pick("nofield", "time", "f::float", "i::integer", "v::integer", "v::string", "host::tag", "host::field", "s::string")

    def argument(self, m):
        if self.chance(0.06):
            return self.pick("*", "/^[fivw]/", "*::field", "/./", "/host/", "*::tag")
        return self.value_field(m)

    def simple_call(self, m, grouped):
        name = self.rng.choice(AGGREGATES + SELECTORS[:6] + ["distinct"] * (self.chance(0.3)))
        arg = self.argument(m)
        if name == "percentile":
            # An interval with too few points for a low one ends InfluxDB's answer.
            low = ("50", "62.5") if grouped else ("50", "62.5", "75")
            return f"percentile({arg}, {self.pick('50', '90', '99.9', '100', *low)})"
        if name == "sample":
            return f"sample({arg}, {self.pick('1000', '5000')})"
        if name == "integral":
            return f"integral({arg}{self.pick('', '', ', 1m', ', 10s', ', 1h')})"
        if name == "count" and self.chance(0.2):
            return f"count(distinct({arg}))"
        return f"{name}({arg})"

    def top(self, m):
        args = [self.argument(m)]
        for tag in m[2]:
            if self.chance(0.3):
                args.append(tag)
        args.append(self.pick("1", "2", "3", "10"))
        return f"{self.pick('top', 'bottom')}({', '.join(args)})"

    def transform(self, m, grouped):
        name = self.rng.choice(TRANSFORMS)
        inner = self.simple_call(m, grouped) if (grouped != self.chance(0.03)) else self.value_field(m)
        if name.endswith("derivative"):
            return f"{name}({inner}{self.pick('', ', 1s', ', 10s', ', 1m', ', 1h')})"
        if name == "elapsed":
            return f"elapsed({inner}{self.pick('', ', 1s', ', 1m', ', 1ms')})"
        if name == "moving_average":
            return f"moving_average({inner}, {self.pick('2', '3', '5')})"
        return f"{name}({inner})"

    def smoothing(self, m, grouped):
        """Without a warm-up of its own most of them need more points than an interval has."""
        inner = self.simple_call(m, True) if grouped else self.rng.choice(m[0])
        name = self.pick("exponential_moving_average", "double_exponential_moving_average", "triple_exponential_moving_average",
                         "relative_strength_index", "triple_exponential_derivative", "kaufmans_efficiency_ratio",
                         "kaufmans_adaptive_moving_average", "chande_momentum_oscillator")
        hold = self.pick("", "", ", 0", ", 2", ", -1")
        warm_up = self.pick("", ", 'simple'", ", 'exponential'", ", 'none'") if hold and not name.startswith("kaufmans") else ""
        return f"{name}({inner}, {self.pick('2', '3', '5')}{hold}{warm_up})"

    def literal(self):
        return self.pick("1", "2", "0", "3", "-1", "2.5", "0.5", "10", "1000000", "7")

    def binary(self, left, right):
        op = self.rng.choice(["+", "-", "*", "/", "%"] * 3 + ["&", "|", "^"])
        expr = f"{left} {op} {right}"
        return f"({expr})" if self.chance(0.3) else expr

    def raw_expr(self, m, depth=0):
        while True:
            text = self.any_raw_expr(m, depth)
            # Go's and C's pow(), exp() and tan() differ in the last digit, which is what these show.
            if not (re.search(r"pow\(|exp\(|[^a]tan\(", " " + text) and re.search(r" % |(sin|cos|tan)\(.*\(", text)):
                return text

    def any_raw_expr(self, m, depth):
        roll = self.rng.random()
        if depth < 2 and roll < 0.25:
            other = self.raw_expr(m, depth + 1) if self.chance(0.5) else self.literal()
            pair = [self.raw_expr(m, depth + 1), other]
            if self.chance(0.3):
                pair.reverse()
            return self.binary(*pair)
        if depth < 2 and roll < 0.35:
            name = self.rng.choice(MATHS + ["pow", "atan2", "log"])
            if name in ("pow", "log"):
                return f"{name}({self.raw_expr(m, depth + 1)}, {self.pick('2', '3', '0.5')})"
            if name == "atan2":
                return f"atan2({self.value_field(m)}, {self.value_field(m)})"
            return f"{name}({self.raw_expr(m, depth + 1)})"
        return self.value_field(m)

    def call_expr(self, m, grouped, depth=0):
        roll = self.rng.random()
        if depth < 1 and roll < 0.15:
            right = self.literal() if self.chance(0.5) else self.call_expr(m, grouped, depth + 1)
            return self.binary(self.call_expr(m, grouped, depth + 1), right)
        if depth < 1 and roll < 0.2:
            return f"{self.rng.choice(STEADY_MATHS)}({self.call_expr(m, grouped, depth + 1)})"
        if roll < 0.35:
            return self.transform(m, grouped)
        if roll < 0.4:
            return self.smoothing(m, grouped)
        return self.simple_call(m, grouped)

    def alias(self):
        return f" AS {self.pick('x', 'y', 'value', 'time', chr(34) + 'a b' + chr(34))}" if self.chance(0.15) else ""

    # ---- clauses

    def time_bounds(self, name):
        if name in ("days", "mixed"):
            low = BASE + self.rng.randrange(-11, 30) * DAY + self.pick(0, 0, 1, HOUR)
            high = low + self.rng.randrange(1, 25) * DAY + self.pick(0, 0, -1, 1, 999)
        elif name == "old":
            return self.pick("", "time < 0", "time >= -5s", "time < '2000-01-01'")
        else:
            low = BASE + self.rng.randrange(0, 130) * 60 * SECOND
            high = low + self.rng.randrange(1, 60) * 60 * SECOND + self.pick(0, 0, -1, 1)
        form = self.rng.random()
        if form < 0.6:
            return f"time {self.pick('>=', '>=', '>')} {low} AND time {self.pick('<', '<', '<=')} {high}"
        if form < 0.8:
            return f"time >= {low // SECOND}s AND time < {high // SECOND}s"
        if form < 0.9:
            return f"time >= '2024-03-18T00:00:00Z' AND time < '2024-03-18T0{self.rng.randrange(1, 4)}:00:00Z'"
        if form < 0.95:
            return f"'2024-03-18 00:{self.rng.randrange(10, 60)}:00' <= time AND time <= {high}"
        return f"time = {low - low % (60 * SECOND)}"

    def predicate(self, m, depth=0):
        numbers, others, tags = m
        roll = self.rng.random()
        if depth < 2 and roll < 0.25:
            expr = f"{self.predicate(m, depth + 1)} {self.pick('AND', 'OR', 'AND')} {self.predicate(m, depth + 1)}"
            return f"({expr})" if self.chance(0.6) else expr
        if roll < 0.55 and tags:
            tag = self.rng.choice(tags)
            if self.chance(0.5):
                return f"{tag} {self.pick('=~', '!~')} {self.rng.choice(PATTERNS)}"
            values = ["'a'", "'b'", "'eu'", "''", "'x'", "'zz'"]
            return f"{tag} {self.pick('=', '=', '!=', '<>')} {self.rng.choice(values)}"
        if roll < 0.6:
            return f"nosuch {self.pick('=', '!=')} {self.pick(chr(39) + chr(39), chr(39) + 'a' + chr(39))}"
        if roll < 0.68 and others:
            name = self.rng.choice(others)
            return self.pick(f"{name} = 'up'", f"{name} != 'down'", f"{name} =~ /o/", f"{name} !~ /[\"x]/", f"{name} = true",
                             f"{name} <> false", f"{name} = 1", f"{name} > 'b'")
        if roll < 0.72:
            return self.pick("true", "false", "1 = 1", "1 > 2", "'a' = 'a'")
        left = self.raw_expr(m, 1) if self.chance(0.4) else self.rng.choice(numbers)
        if self.chance(0.3):
            left = self.binary(left, self.literal())
        right = self.literal() if self.chance(0.8) else self.value_field(m)
        return f"{left} {self.pick('>', '<', '>=', '<=', '=', '!=')} {right}"

    def where(self, name, m, must_have_time):
        parts = []
        if must_have_time or self.chance(0.5):
            bounds = self.time_bounds(name)
            if bounds:
                parts.append(bounds)
        if self.chance(0.4):
            parts.append(self.predicate(m))
            if len(parts) == 2 and " OR " in parts[1] and self.chance(0.7):
                parts[1] = f"({parts[1]})"
        if self.chance(0.3):
            parts.reverse()
        return " WHERE " + " AND ".join(parts) if parts else ""

    def interval(self, name):
        if name in ("days", "mixed"):
            every = self.pick("1d", "12h", "1w", "2d", "7d", "6h")
        else:
            every = self.pick("1m", "5m", "10m", "90s", "1h", "7m", "30s")
        offset = ""
        if self.chance(0.3):
            offset = ", " + self.pick("1m", "-1m", "15s", "1h", "-7h", "3d", "10u")  # not now(), which goes on between two answers
            if self.chance(0.03):
                offset = ", '2024-03-18T00:00:30Z'"
        return f"time({every}{offset})"

    def group(self, name, m, grouped):
        parts = []
        if grouped:
            parts.append(self.interval(name))
        if self.chance(0.4):
            for tag in m[2]:
                if self.chance(0.6):
                    parts.append(tag)
            if self.chance(0.1):
                parts.append(self.pick("*", "/./", "/host|zone/", "nosuch", "/nosuch/", "host::tag"))
        self.rng.shuffle(parts)
        return " GROUP BY " + ", ".join(parts) if parts else ""

    def fill(self):
        if self.chance(0.5):
            return ""
        return " fill(" + self.pick("null", "none", "previous", "linear", "0", "7", "-1.5", "100") + ")"

    def tail(self, name="", limit=True, slimit=True):
        """SLIMIT counts series in each shard of InfluxDB's: not asked of what lies in several."""
        text = ""
        if self.chance(0.3):
            text += self.pick(" ORDER BY time DESC", " ORDER BY time DESC", " ORDER BY time ASC", " ORDER BY time", " ORDER BY DESC")
        if limit and self.chance(0.25):
            text += f" LIMIT {self.pick(1, 2, 5, 50)}"
            if self.chance(0.3):  # alone, an OFFSET has each shard of InfluxDB's read only so many points
                text += f" OFFSET {self.pick(1, 3, 20, 1000)}"
        slimit = slimit and name not in ("days", "mixed", "old")
        if slimit and self.chance(0.12):
            text += f" SLIMIT {self.pick(1, 2, 3)}"
        if slimit and self.chance(0.06):
            text += f" SOFFSET {self.pick(1, 2, 5)}"
        return text

    def zone(self):
        return f" tz('{self.rng.choice(ZONES)}')" if self.chance(0.15) else ""

    # ---- statements

    def measurement(self):
        roll = self.rng.random()
        if roll < 0.55:
            return "cpu"
        if roll < 0.7:
            return "days"
        return self.rng.choice(list(MEASUREMENTS))

    def source(self, name):
        roll = self.rng.random()
        if roll < 0.85:
            return name
        second = "days" if name == "cpu" else "cpu"
        return self.pick(f"diff..{name}", f"autogen.{name}", f"diff.autogen.{name}", f"other.{name}", "/^(cpu|days)$/", "/./",
                         f"{name}, {second}", "nomeasurement", f"{name}, nomeasurement", "diff.autogen./cpu|both/")

    def select(self, depth=0):
        name = self.measurement()
        m = MEASUREMENTS[name]
        if depth < 2 and self.chance(0.15 if depth == 0 else 0.2):
            return self.outer_select(name, depth)
        kind = self.rng.random()
        source = self.source(name)
        if kind < 0.3:
            fields = ", ".join(self.raw_expr(m) + self.alias() for _ in range(self.pick(1, 1, 2, 3)))
            if self.chance(0.15):
                fields = self.pick("*", "*", "*::field", "*::tag, f", "/^[fi]$/", "*, *", "f, *")
            return f"SELECT {fields} FROM {source}{self.where(name, m, False)}{self.group(name, m, False)}{self.tail(name)}{self.zone()}"
        if kind < 0.4:  # without LIMIT, which has InfluxDB look at the first points only
            field = self.top(m) + self.alias()
            if self.chance(0.3):
                field += ", " + self.value_field(m)
            grouped = name != "old" and self.chance(0.4)
            return f"SELECT {field} FROM {source}{self.where(name, m, grouped)}{self.group(name, m, grouped)}{self.fill() if grouped else ''}{self.tail(name, limit=False)}{self.zone()}"
        if kind < 0.5:
            call = f"{self.pick('first', 'last', 'min', 'max')}({self.argument(m)}){self.alias()}, {self.value_field(m)}"
            if self.chance(0.3):
                call += f", {self.value_field(m)}"
            grouped = name != "old" and self.chance(0.4)
            return f"SELECT {call} FROM {source}{self.where(name, m, grouped)}{self.group(name, m, grouped)}{self.fill() if grouped else ''}{self.tail(name)}{self.zone()}"
        grouped = name != "old" and self.chance(0.65)
        fields = ", ".join(self.call_expr(m, grouped) + self.alias() for _ in range(self.pick(1, 1, 1, 2, 3)))
        return (f"SELECT {fields} FROM {source}{self.where(name, m, grouped)}{self.group(name, m, grouped)}"
                f"{self.fill() if grouped else ''}{self.tail(name)}{self.zone()}")

    def outer_select(self, name, depth):
        if name == "mixed":
            name = "days"
        numbers, _, tags = MEASUREMENTS[name]
        m = (["x", "y"], [], tags)
        inner_m = MEASUREMENTS[name]
        grouped = name != "old" and self.chance(0.6)
        raw = self.chance(0.4)  # then without fill(): its rows come in an order of chance where tags are left out
        if self.chance(0.35):
            inner_fields = f"{self.raw_expr(inner_m)} AS x, {self.rng.choice(numbers)} AS y"
            inner = f"SELECT {inner_fields} FROM {name}{self.where(name, inner_m, False)}{self.group(name, inner_m, False)}{self.tail(name, limit=False)}"
        else:
            # Where tags are grouped by, of which the query around it knows nothing, InfluxDB fills gaps anew with each change of
            # series, and puts two functions together in an order that is of its iterators alone.
            inner_group = self.group(name, inner_m, grouped)
            plain = not re.sub(r"time\([^)]*\)", "", inner_group).replace(" GROUP BY ", "")
            inner_fields = f"{self.call_expr(inner_m, grouped)} AS x"
            while not plain and self.is_put_together(inner_fields):
                inner_fields = f"{self.call_expr(inner_m, grouped)} AS x"
            if plain and self.chance(0.7):
                inner_fields += f", {self.call_expr(inner_m, grouped)} AS y"
            inner = (f"SELECT {inner_fields} FROM {name}{self.where(name, inner_m, grouped)}{inner_group}"
                     f"{self.fill() if grouped and not raw and plain else ''}{self.tail(name, limit=False)}")
        if depth == 0 and self.chance(0.25):
            inner = self.middle_select(name, m, inner)
        outer_grouped = name != "old" and self.chance(0.35)
        if raw:
            fields = self.pick("x", "*", "x, y", "x + y", "x * 2", "x, " + (tags[0] if tags else "y"))
            outer_grouped = False
        else:
            fields = ", ".join(self.call_expr(m, outer_grouped) for _ in range(self.pick(1, 1, 2)))
        source = f"({inner})"
        if self.chance(0.05):
            source += self.pick(f", {name}", ", cpu", ", nomeasurement", ", (SELECT f AS x FROM days)")
        return (f"SELECT {fields} FROM {source}{self.where(name, m, outer_grouped)}{self.group(name, m, outer_grouped)}"
                f"{self.fill() if outer_grouped else ''}{self.tail(name)}{self.zone()}")

    @staticmethod
    def is_put_together(text):
        """Of several functions' values, which InfluxDB puts into rows in an order that is of its iterators alone."""
        return len(re.findall(r"[a-z]\([^()]*\)", text)) > 1

    def stands_by_interval(self, inner):
        """Not so in InfluxDB where tags of a query around it reach it: it fills gaps anew with each change of series."""
        return "fill(" in inner or self.is_put_together(inner.split(" FROM ")[0])

    def middle_select(self, name, m, inner):
        """A subquery around a subquery, whose columns are x and y again."""
        grouped = name != "old" and self.chance(0.3)
        if self.chance(0.4):
            group = "" if self.stands_by_interval(inner) else self.group(name, m, False)
            return f"SELECT x, y FROM ({inner}){self.where(name, m, False)}{group}{self.tail(name, limit=False)}"
        where = self.where(name, m, grouped) if self.chance(0.5) or grouped else ""
        group = self.group(name, m, grouped)
        if self.stands_by_interval(inner):
            group = " GROUP BY " + self.interval(name) if grouped else ""
        fields = f"{self.call_expr(m, grouped)} AS x"
        if not re.sub(r"time\([^)]*\)", "", group).replace(" GROUP BY ", ""):
            fields += f", {self.call_expr(m, grouped)} AS y"
        else:
            while self.is_put_together(fields):
                fields = f"{self.call_expr(m, grouped)} AS x"
        return f"SELECT {fields} FROM ({inner}){where}{group}{self.tail(name, limit=False)}"

    def bound(self):
        """(a statement with $ in it, what stands for them)."""
        values = {"n": self.pick(1, 2.5, -3, 100), "s": self.pick("a", "eu", "x'y", ""), "b": self.pick(True, False),
                  "r": {"regex": self.pick("^a", "b|c", ".*", "(")}, "t": {"duration": self.pick("10m", "90s", 60000000000, "1x")},
                  "i": {"integer": self.pick(5, "7", 2.5)}, "f": {"float": self.pick(2, 0.5, "1e3")}, "q": {"string": "a"},
                  "id": {"identifier": self.pick("f", "i", "host", "a b")}, "odd": self.pick(None, [1], {"nokind": 1}, {"regex": 5})}
        name = self.rng.choice(list(values))
        times = "n" if name == "r" else name
        text = self.pick(f"SELECT f FROM cpu WHERE f > ${name} LIMIT 3", f"SELECT f FROM cpu WHERE host = ${name} LIMIT 3",
                         f"SELECT f FROM cpu WHERE host =~ ${name} LIMIT 3", f"SELECT mean(f) * ${times} FROM cpu",
                         f"SELECT mean(f) FROM cpu WHERE time >= {BASE} AND time < {BASE + HOUR} GROUP BY time(${name})",
                         f"SELECT ${name} FROM cpu LIMIT 2", f"SELECT f FROM ${name} LIMIT 1", f"SELECT f FROM cpu LIMIT ${name}",
                         f"SELECT f FROM cpu WHERE time > ${name} LIMIT 2", "SELECT f FROM cpu WHERE f = $nosuch", f"SELECT top(f, ${name}) FROM cpu",
                         f"SHOW TAG VALUES WITH KEY = ${name}", f"SHOW TAG VALUES WITH KEY =~ ${name}", f"SELECT f FROM cpu WHERE b = ${name} LIMIT 2")
        return text, values

    def deletion(self):
        where = self.pick("", " WHERE host = 'a'", " WHERE host != 'a'", " WHERE host =~ /b|c/", f" WHERE time < {BASE + HOUR}",
                          f" WHERE time >= {BASE + HOUR} AND host = 'b'", " WHERE region = ''", " WHERE nosuch = 'a'", " WHERE f > 1",
                          f" WHERE time > {BASE + 7 * DAY}", " WHERE host = 'a' OR region = 'us'", f" WHERE time = {BASE}", " WHERE zone !~ /x/")
        name = self.pick("cpu", "days", "mixed", "/c|d/", "notags", "nomeasurement", '"we ird,m"', "both")
        return self.pick(f"DELETE FROM {name}{where}", f"DELETE FROM {name}{where}", f"DROP SERIES FROM {name}{where}", f"DELETE{where}",
                         f"DROP SERIES{where}", "DROP MEASUREMENT cpu" if self.chance(0.3) else f"DELETE FROM {name}{where}")

    def into(self):
        name = self.measurement()
        m = MEASUREMENTS[name]
        target = self.pick("t", "copies.autogen.t", "copies..:MEASUREMENT", "copies.autogen.:MEASUREMENT", '"t 2"', "nodb..t", "copies.nopolicy.t")
        if self.chance(0.5):
            fields = self.pick("*", "f", "f, i", "*::field", "f AS g, host")
            return f"SELECT {fields} INTO {target} FROM {name}{self.where(name, m, False)}{self.pick('', '', ' GROUP BY *', ' GROUP BY host')}"
        grouped = name != "old"
        return (f"SELECT {self.simple_call(m, grouped)} AS x INTO {target} FROM {self.source(name)}{self.where(name, m, grouped)}"
                f"{self.group(name, m, grouped)}{self.fill() if grouped else ''}")

    def show_where(self, keys=False):
        if not self.chance(0.5):
            return ""
        parts = []
        for _ in range(self.pick(1, 1, 2)):
            tag = self.pick("host", "region", "zone", '"ta g"', "nosuch", "host", "_name", *["_tagKey"] * keys)
            if self.chance(0.5):
                parts.append(f"{tag} {self.pick('=', '!=')} '{self.pick('a', 'b', '', 'eu', 'x', 'cpu')}'")
            else:
                parts.append(f"{tag} {self.pick('=~', '!~')} {self.rng.choice(PATTERNS)}")
        if self.chance(0.08):
            parts.append(self.pick("time > 0", "f > 1", "true", "1 = 1"))
        return " WHERE " + f" {self.pick('AND', 'OR')} ".join(parts)

    def show_tail(self, order=True):
        text = ""
        if order and self.chance(0.15):
            text += self.pick(" ORDER BY time DESC", " ORDER BY ASC", " ORDER BY DESC", " ORDER BY time")
        if self.chance(0.3):
            text += f" LIMIT {self.pick(1, 2, 3, 10)}"
        if self.chance(0.2):
            text += f" OFFSET {self.pick(1, 2, 50)}"
        if self.chance(0.08):
            text += f" SLIMIT {self.pick(1, 2)}"
        if self.chance(0.05):
            text += f" SOFFSET {self.pick(1, 2)}"
        return text

    def show_from(self):
        if self.chance(0.5):
            return ""
        name = self.rng.choice(list(MEASUREMENTS))
        return " FROM " + self.pick(name, name, name, "/c|d/", f"{name}, cpu", "nomeasurement", "other.cpu", "autogen.cpu", "diff..cpu", "/^$/")

    def show(self):
        on = self.pick("", "", " ON diff", " ON nodb", ' ON "diff"')
        roll = self.rng.randrange(11)
        if roll == 0:
            with_ = self.pick("", "", " WITH MEASUREMENT = cpu", " WITH MEASUREMENT =~ /c|d/", ' WITH MEASUREMENT = "we ird,m"', " WITH MEASUREMENT != cpu")
            return f"SHOW MEASUREMENTS{on}{with_}{self.show_where()}{self.show_tail()}"
        if roll == 1:
            text = f"SHOW SERIES{on}{self.show_from()}{self.show_where()}{self.show_tail()}"
            # With a time it is a SELECT, of which an OFFSET alone reads only so many series of each shard.
            return text.split(" OFFSET")[0] if "time" in text.split(" ORDER BY")[0] else text
        if roll in (2, 3):
            return f"SHOW TAG KEYS{on}{self.show_from()}{self.show_where()}{self.show_tail()}"
        if roll in (4, 5, 6):
            key = self.pick("= host", "= region", "IN (host, zone)", "=~ /o/", "!~ /host/", "!= host", '= "ta g"', "= nosuch", "IN (host)", "=~ /./")
            return f"SHOW TAG VALUES{on}{self.show_from()} WITH KEY {key}{self.show_where(keys=True)}{self.show_tail()}"
        if roll == 7:
            return f"SHOW FIELD KEYS{on}{self.show_from()}{self.show_tail(order=False)}"
        if roll == 8:
            kind = self.pick("MEASUREMENT", "SERIES", "TAG KEY", "FIELD KEY")
            if kind == "SERIES":  # InfluxDB counts a series once for each of its shards
                return f"SHOW SERIES CARDINALITY{on}"
            return f"SHOW {kind} {self.pick('', 'EXACT ')}CARDINALITY{on}{self.show_from()}{self.show_where()}{self.show_tail()}"
        if roll == 9:
            return f"SHOW TAG VALUES {self.pick('', 'EXACT ')}CARDINALITY{on}{self.show_from()} WITH KEY = {self.pick('host', 'region')}{self.show_where()}"
        return self.pick("SHOW DATABASES", f"SHOW RETENTION POLICIES{on}", "SHOW CONTINUOUS QUERIES", "SHOW USERS", "SHOW SUBSCRIPTIONS")

    def statement(self):
        if self.chance(0.2):
            return self.show()
        while True:
            text = self.select()
            if self.is_steady(text):
                return text

    @staticmethod
    def names_a_tag_twice(text):
        """In GROUP BY, where InfluxDB loses count of tags."""
        clauses = re.findall(r"GROUP BY ((?:[^()]|\([^()]*\))*)", text)
        return any(len(re.findall(r"\bhost\b", clause)) > 1 for clause in clauses)

    @staticmethod
    def is_descending(text):
        """The outermost SELECT, and so all in it."""
        return " DESC" in re.sub(r" tz\([^)]*\)", "", text).rsplit(")", 1)[-1]

    @staticmethod
    def is_steady(text):
        """integral() gives the last interval of each series after all others, in an order of chance."""
        inner = text.split("(SELECT", 1)[1] if "(SELECT" in text else ""
        out_of_order = Questions.is_descending(text) or re.search(r"GROUP BY (?:[^()]|\([^()]*\))*(host|region|zone|dup|\*|/)", inner)
        if "sample(" in inner and out_of_order:
            return False  # an interval is listed as often as such rows come back to it
        if "(SELECT" in text and "(host::field" in text:
            return False  # a tag that count() counts and others do not
        if Questions.names_a_tag_twice(text) and ("(SELECT" in text or re.search(r"(top|bottom)\([^()]*, [a-z]", text)):
            return False
        if "FROM /" in text and re.search(r"SELECT \*|BY [^()]*(\*|/)", text) or re.search(r"9223372036854775808", text):
            return False  # docs/compat.md: tags of shard groups, integers beyond 64 bits
        return "integral(" not in text or not (", " in text.split(" FROM ")[0] or text.count("SELECT") > 1 or "GROUP BY" in text)

    # ---- bad statements

    WORDS = ["SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "LIMIT", "time", "(", ")", ",", ".", "..", ";", "'", '"', "/", "*", "=", "=~",
             "<", "::", "::tag", "1", "1.5", "10m", "1x", "-", "+", "AND", "OR", "fill(null)", "tz('UTC')", "tz('No/where')", "now()", "INTO", "AS",
             "$p", "true", "DESC", "SLIMIT", "mean(f)", "host", "'a'", "1h", "9223372036854775808", "1e5", "/a/", "--", "--x", "/*c*/", "/*", "!", "@",
             "\\", "é", "ON", "WITH", "KEY", "IN", "DISTINCT", "time(1m)", "OFFSET", "SERIES", "DURATION", "0", "ALL", "!=", "%", "|", "DATABASE"]
    OTHERS = ["CREATE DATABASE x WITH DURATION 1d REPLICATION 1 SHARD DURATION 1h NAME y", "CREATE RETENTION POLICY p ON diff DURATION 1h REPLICATION 1 DEFAULT",
              "ALTER RETENTION POLICY p ON diff DURATION 2h", "DROP RETENTION POLICY p ON diff", "CREATE USER u WITH PASSWORD 'p' WITH ALL PRIVILEGES",
              "SET PASSWORD FOR u = 'x'", "GRANT READ ON diff TO u", "REVOKE ALL PRIVILEGES FROM u", "DROP USER u", "SHOW GRANTS FOR u",
              "CREATE CONTINUOUS QUERY q ON diff RESAMPLE EVERY 1h FOR 2h BEGIN SELECT mean(f) INTO o FROM cpu GROUP BY time(1m) END",
              "DROP CONTINUOUS QUERY q ON diff", "CREATE SUBSCRIPTION s ON diff.autogen DESTINATIONS ALL 'udp://h:1', 'udp://i:2'",
              "DROP SUBSCRIPTION s ON diff.autogen", "KILL QUERY 99 ON \"h\"", "DELETE FROM nothing WHERE time > 5 AND host = 'a'",
              "DROP SERIES FROM nothing WHERE host = 'a'", "DROP MEASUREMENT nothing", "DROP SHARD 99999", "EXPLAIN SELECT f FROM nothing",
              "SHOW DIAGNOSTICS FOR 'x'", "SHOW STATS FOR 'y'", "SHOW QUERIES"]

    def broken(self):
        """A statement with words taken out, put in or exchanged. Statements that change much stay out of it."""
        text = self.rng.choice(self.OTHERS) if self.chance(0.35) else self.statement()
        words = re.findall(r"'[^']*'|\"[^\"]*\"|/[^/ ]*/|[A-Za-z0-9_.]+|\s+|.", text)
        for _ in range(self.pick(1, 1, 2)):
            at = self.rng.randrange(len(words))
            while words[at].isspace():
                at = self.rng.randrange(len(words))
            kind = self.rng.randrange(4)
            if kind == 0:
                words.pop(at)
            elif kind == 1:
                words.insert(at, self.rng.choice(self.WORDS) + self.pick(" ", " ", ""))
            elif kind == 2:
                words[at] = self.rng.choice(self.WORDS)
            else:
                del words[at:]
            if not "".join(words).strip():
                return "SELECT"
        text = "".join(words)
        if re.match(r"DELETE|DROP SERIES", text):
            text = text.replace("/a/", "/nothing/")  # InfluxDB goes on listing tags of what is deleted
        return "DROP SHARD" if re.search(r"SHARD\s+1\b", text) else text  # number 1 is there, and something else here
