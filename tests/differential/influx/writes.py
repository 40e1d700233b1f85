"""Random requests to /write: points of every kind, bodies with something wrong, and what HTTP adds to them."""
import gzip
import re
import zlib

from data import BASE, DAY, HOUR

# Most of what is chosen from the second list of a pair is refused. Not asked: names of measurements and fields that are not
# UTF-8, which fail in InfluxDB's own files; the tag __name__, which is moved aside here.
NAMES = (["m", "cpu", "cpu", "w\\ r", "w\\,r", "w=r", '"q"', "_m", "time", "é", "1", "select", "a#b", "m\\x", "m\\=x", "m\\\\x",
          "\x7f\x01", "'m'", "m\\"],
         ["", "\\", "#m", "\x00", ",", "=", "\t"])
TAG_KEYS = (["host", "host", "a", "b", "c", "z", "_t", "k\\=", "k\\,", "k\\ k", '"k"', "é", "field", "k\udcfe", "f", "A", "_field", "db", "rp",
             "le", "1"],
            ["", "time", "\\", "k ", "\udcff", "\x00", "_measurement"])
TAG_VALUES = (["x", "y", "x", "x\\,y", "x\\ y", "x\\=y", '"x', '"x y"'.replace(" ", "\\ "), "é", "x\\\\", "\\x", "1", "x=y".replace("=", "\\="),
               "x\udcfe", "tr\tue", "'", "\x01"],
              ["", "x=y", "x\\", " ", ",", "\\", '"x y"', "x\x00"])
# The kind that each field mostly has.
FIELDS = ({"f": "float", "g": "float", "value": "float", "i": "integer", "j": "integer", "s": "string", "b": "boolean", "_f": "float",
           "f\\ g": "integer", "f\\,g": "float", "f\\=g": "float", '"f"': "float", "é": "string", "host": "integer", "f\\": "float",
           "f\\\\g": "float", "1": "float", "field\\x": "float"},
          ["", "\\", " ", ",", "#"])
VALUES = {
    "float": (["1", "0", "-0", "-0.0", "1.5", "-2", "1e3", "1E3", "1e+3", "1e-3", ".5", "5.", "-.5", "007", "1e-400", "1e308", "1.7976931348623157e308",
               "5e-324", "123456789012345678901234567890", "0.1234567890123456789", "1e0000003", "-1e-7", "9007199254740993", "1e21", "1e20"],
              ["1e400", "-1e400", "NaN", "nan", "Nan", "inf", "-Inf", "+1", "0x10", "1_0", "1e", "e1", ".", "-", "--1", "1.2.3", "1e5.5", "1f", "-.", "1-",
               "1e5e5", "- 1", "1\\", "1.7976931348623159e308", "x", "n", "i", "1d"]),
    "integer": (["1i", "0i", "-0i", "-1i", "007i", "9223372036854775807i", "-9223372036854775808i", "123456i"],
                ["9223372036854775808i", "-9223372036854775809i", "+1i", "1.0i", "1e3i", "i", "-i", "1ii", "1I", "1u", "0u", "18446744073709551615u",
                 "-1u", "18446744073709551616u", "0x1i", "1i2", "1i."]),
    "string": (['""', '"x"', '"a b"', '"a,b=c"', '"say \\"x\\""', '"back\\\\"', '"\\\\\\""', '"two\nlines"', '"#no"', '"\\n"', '"é\udcfe"', '"\r\n"',
                '"\\,\\ "', '"x\\y"', '"\t"', '"\x00"', '" "', '"=\\"="', '"\n#x\n"', '"a\\\\\\"b"'],
               ['"', '"x', 'x"', '"x"y', '"x"y"', '"x\\"', "'x'", '""x""', '"x""y"', "x", '"x" "y"', '"\\']),
    "boolean": (["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"],
                ["tr", "tRUE", "yes", "truex", "fals", "Tr", "FALSe", "true1", "tt", "no", "off"]),
}
BAD_TIMES = ["+1", "1.0", "1e3", "x", "-", "--1", "1i", "0x1", "9223372036854775807", "9223372036854775808", "-9223372036854775807", "1_0", "1 2",
             "99999999999999999999999", "\t1", "1\t", '"1"', "=", ",", "1,", "#", "\\", "-9223372036854775808", "1\\", "true"]
ODD_TIMES = ["0", "-0", "00012", "-1", "9223372036854775806", "-9223372036854775806", "1", "2 ", " 3", "  4  "]
PRECISIONS = ["n", "ns", "u", "us", "ms", "s", "m", "h", "", "µ", "d", "S", "n ", "x"]
UNITS = {"u": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": HOUR}
BETWEEN = ["\n"] * 20 + ["\r\n", "\n\n", "\n#c\n", "\n \n", "\n\t\n", "\n #c\n", "\n\r\n", "\r", " \n", "\n  ", "\\\n", "\n\x00\n", "\n#c=\"\n", "\\\r\n"]
AROUND = [""] * 12 + ["\n", "\r\n", " ", "# c\n", "\n\n#", "\t", "\ufeff", "\\", ",", '"']
DAMAGE = ["", " ", ",", "=", "\\", '"', "\n", "i", "u", "t", "-", ".", "\t", "\r", "#", "\x00", "\udcff", "\udcc3", "  ", "\\ ", "\\,", "\\=", '\\"', "\\\\", "1", "e", ",,", "=="]


def is_text(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


class Request:
    def __init__(self, parameters, body, headers, chunks=None, path="/write", lines=1):
        self.parameters, self.body, self.headers, self.chunks, self.path, self.lines = parameters, body, headers, chunks, path, lines

    def ask(self, server):
        if not self.chunks:
            return server.ask("POST", self.path, self.parameters, self.body, self.headers)
        pieces = [self.body[i:i + self.chunks] for i in range(0, len(self.body), self.chunks)]
        return server.ask("POST", self.path, self.parameters, pieces, self.headers)  # http.client sends what it iterates over in chunks

    def __str__(self):
        return f"{self.path} {self.parameters} {self.headers or ''}{self.chunks or ''} {self.body!r}"


class Writes:
    """`wrong` is how likely each piece of a line is taken from the wrong ones."""

    def __init__(self, rng, v2=False):
        self.rng, self.v2 = rng, v2
        self.wrong = 0.0

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, *choices):
        return self.rng.choice(choices)

    def of(self, pair):
        good, bad = pair
        return self.rng.choice(bad) if self.chance(self.wrong) else self.rng.choice(list(good))

    def long(self, text, size):
        """Few names and values are very long; measurement, tags and field of a point may have 65535 bytes together."""
        return text + "y" * size if self.chance(0.001) else text

    def key(self):
        text = self.long(self.of(NAMES), self.pick(1000, 65520, 65535, 70000))
        tags = []
        while self.chance(0.5):
            tag = self.of(TAG_KEYS)
            between = self.pick("", "==", "= ") if self.chance(self.wrong / 2) else "="
            tags.append(tag + between + self.long(self.of(TAG_VALUES), self.pick(300, 65500, 65533)))
        if self.chance(0.5):
            tags.sort()
        if tags and self.chance(self.wrong / 2):
            tags.append(self.rng.choice(tags))
        return ",".join([text] + tags) + ("," if self.chance(self.wrong / 4) else "")

    def field(self):
        name = self.of(FIELDS)
        kind = FIELDS[0].get(name, "float")
        if self.chance(0.04):
            kind = self.rng.choice(list(VALUES))
        between = self.pick("", "==", " =", "= ") if self.chance(self.wrong / 4) else "="
        return self.long(name, self.pick(100, 65533)) + between + self.long(self.of(VALUES[kind]), 100)

    def fields(self):
        fields = [self.field()]
        while self.chance(0.4):
            fields.append(self.field())
        separator = self.pick(",,", ", ", " ,", " ", ";") if self.chance(self.wrong / 4) else ","
        return separator.join(fields) + ("," if self.chance(self.wrong / 4) else "")

    def time(self, unit):
        if self.chance(self.wrong):
            return " " + self.rng.choice(BAD_TIMES)
        roll = self.rng.random()
        if roll < 0.05:
            return self.pick("", "", " ")
        if roll < 0.1 and self.far:
            return " " + self.rng.choice(ODD_TIMES)
        at = BASE + self.rng.randrange(0, 8) * HOUR
        if self.far and self.chance(0.3):
            at += self.rng.randrange(-500, 20) * DAY
        return f" {at // unit}"

    def line(self, unit):
        between = self.pick("  ", "\t", "", "   ") if self.chance(self.wrong) else " "
        return self.key() + between + self.fields() + self.time(unit)

    def damaged(self, text):
        for _ in range(self.pick(1, 1, 2, 4)):
            at = self.rng.randrange(len(text) + 1)
            roll = self.rng.random()
            if roll < 0.5:
                text = text[:at] + self.rng.choice(DAMAGE) + text[at:]
            elif roll < 0.8:
                text = text[:at] + text[at + self.rng.randrange(1, 4):]
            elif roll < 0.9:
                text = text[:at]
            else:
                text = text[:at] + text[self.rng.randrange(len(text) + 1):]
        return text

    def body(self, unit):
        count = self.pick(1, 1, 1, 2, 3, 6, 20)
        self.wrong = self.pick(0, 0, 0.02, 0.1)
        # Of what several of its shards refuse, InfluxDB tells about one.
        self.far = count == 1 or self.chance(0.1)
        text = self.rng.choice(AROUND) if self.wrong else ""
        for k in range(count):
            text += (self.rng.choice(BETWEEN) if self.wrong else "\n") * (k > 0) + self.line(unit)
        text += self.rng.choice(AROUND) if self.wrong else ""
        if self.chance(0.15):
            text = self.damaged(text)
        # InfluxDB stores a name with these under two names and finds nothing of it.
        while "\\\\ " in text or "\\\\," in text:
            text = text.replace("\\\\ ", "\\ ").replace("\\\\,", "\\,")
        text = text.encode("utf-8", "surrogateescape")
        return (text if self.names_are_text(text) else text.decode("utf-8", "replace").encode()), count

    @staticmethod
    def names_are_text(body):
        """As near as a glance tells: what is not UTF-8 stands behind a first comma or quote of its line, and before no equals sign."""
        return not any(re.search(rb'^(?:\\.|[^,\\])*?[^ -~\s]|[^ -~\s][^ ,"]*=', line) for line in body.split(b"\n") if not is_text(line))

    def parameters(self, database):
        parameters = {"db": database}
        if self.chance(0.5):
            parameters["precision"] = self.rng.choice(PRECISIONS)
        if self.chance(0.15):
            parameters["rp"] = self.pick("", "other", "autogen", "other", "nope")
        if self.chance(0.05):
            parameters["consistency"] = self.pick("one", "all", "any", "quorum", "bad", "", "ONE")
        if self.chance(0.02):
            parameters["db"] = self.pick("", "nodb", database + " ")
        if self.chance(0.03):
            parameters[self.pick("u", "p", "pretty", "epoch", "q", "chunked", "DB")] = self.pick("", "x", "true")
        return parameters

    def as_v2(self, parameters):
        """Of InfluxDB 1.8: db and rp as a bucket."""
        bucket = parameters.pop("db")
        if "rp" in parameters:
            bucket += "/" + parameters.pop("rp")
        if self.chance(0.1):
            bucket = self.pick("", "/", bucket + "/", bucket + "//", "/autogen", bucket + "/autogen/x", "nodb/x")
        parameters["bucket"] = bucket
        if self.chance(0.5):
            parameters["org"] = self.pick("", "o")
        return parameters

    def request(self, database):
        parameters = self.parameters(database)
        unit = UNITS.get(parameters.get("precision", ""), 1)
        body, lines = self.body(unit)
        headers, path = {}, "/write"
        if self.v2 and self.chance(0.2):
            parameters, path = self.as_v2(parameters), "/api/v2/write"
        if self.v2 and parameters.get("precision") not in (["ns", "us", "ms", "s", ""] if "bucket" in parameters else [*UNITS, "n", "ns", ""]):
            parameters["precision"] = ""  # 1.8 answers 400, and goes on
        if self.chance(0.12):
            body = self.compressed(body)
            headers["Content-Encoding"] = "gzip"
        elif self.chance(0.03):
            headers["Content-Encoding"] = self.pick("gzip", "deflate", "identity", "", "GZIP", "x-gzip", "gzip, gzip")
        if self.chance(0.05):
            headers["Content-Type"] = self.pick("", "text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "x")
        if self.chance(0.05):
            headers[self.pick("Request-Id", "X-Request-Id")] = self.pick("my-id", "", "a b")
        if self.chance(0.03):
            headers["Accept"] = self.pick("*/*", "text/csv", "application/x-msgpack")
        if self.chance(0.03):
            headers["Accept-Encoding"] = self.pick("gzip", "identity", "*")
        if self.chance(0.02):
            headers["Origin"] = "http://example.org"
        chunks = self.pick(1, 7, 100, 4096) if self.chance(0.06) and len(body) < 3000 else None
        return Request(parameters, body, headers, chunks, path, lines)

    def compressed(self, body):
        """Sometimes damaged, and not always with what is after a damage."""
        roll = self.rng.random()
        if roll < 0.1:  # two members, one behind the other
            half = self.rng.randrange(len(body) + 1)
            return gzip.compress(body[:half], mtime=0) + gzip.compress(body[half:], mtime=0)
        if roll < 0.2:  # stored, not compressed
            packer = zlib.compressobj(0, zlib.DEFLATED, 31)
            return packer.compress(body) + packer.flush()
        packed = gzip.compress(body, mtime=0)
        if roll < 0.35:
            return packed[:self.rng.randrange(len(packed) + 1)]
        if roll < 0.45:
            at = self.rng.choice([*range(3), *range(4, 12), len(packed) - 1, len(packed) - 5, self.rng.randrange(len(packed))])
            return packed[:at] + bytes([packed[at] ^ (1 << self.rng.randrange(8))]) + packed[at + 1:]
        if roll < 0.5:
            return packed + self.pick(b"x", b"\0", b"\x1f\x8b", b"garbage garbage garbage")
        return packed
