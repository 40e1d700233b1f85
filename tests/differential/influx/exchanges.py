"""Exchanges written down in exchanges/*.txt, asked of both servers, one after the other.

A line is one request; what it is asked with goes on until it is set anew:

    topic NAME [auth]    an empty server; with "auth" the ones with authentication
    use DB               ?db= of what follows; without a name none
    as USER PASSWORD     basic credentials; without a name none
    with A=B&C=D         further parameters of the next request only; a header is Name: value
    q STATEMENT          POST /query;  get STATEMENT  GET /query;  form STATEMENT  the statement in the body
    w LINES              POST /write, with \\n, \\t, \\r and \\xHH as what they stand for
    gz LINES             the same, compressed
    http METHOD TARGET [BODY]
    ! REQUEST            answered otherwise here, which docs/compat.md tells
    ~ REQUEST            sent, but not compared: InfluxDB's answer is of chance, or follows from a difference before
    ? REQUEST            asked again for five seconds until both say the same: InfluxDB is still at what it has answered before

Bodies, status and all headers but those of the transport are compared; numbers of JSON may differ in their last digits.
"""
import gzip
import math
import os
import re
import time
import urllib.parse

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exchanges")
# Those of the transport; "Vary" is missing in InfluxDB's.
UNCOMPARED = {"date", "content-length", "transfer-encoding", "connection", "keep-alive", "vary"}
VARYING = {"request-id", "x-request-id", "x-influxdb-version"}
SHARD = re.compile(rb"shard [0-9]+:")
# What the grants of a user begin with, and one row of them: as JSON and as CSV.
GRANTS = [(b'"columns":["database","privilege"]', re.compile(rb"\[[^][]*\]")),
          (b"name,tags,database,privilege\n", re.compile(rb"[^\n]+"))]
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|.', re.S)


def same_but_for_digits(a, b):
    """The same text, in which floats may differ in their last digits."""
    x, y = TOKEN.findall(a), TOKEN.findall(b)
    return len(x) == len(y) and all(p == q or close(p, q) for p, q in zip(x, y))


def close(p, q):
    if not (p[:1] in b"-0123456789" and q[:1] in b"-0123456789" and (b"." in p + q or b"e" in p + q)):
        return False
    try:
        return math.isclose(float(p), float(q), rel_tol=1e-9, abs_tol=1e-7)
    except ValueError:
        return False


def headers_of(answer):
    found = {}
    for name, value in answer.headers.items():
        name = name.lower()
        if name not in UNCOMPARED:
            found[name] = "" if name in VARYING else value
            if name == "allow":
                found[name] = sorted(value.split(", "))
    return found


def body_of(answer):
    if answer.headers.get("Content-Encoding") == "gzip" and answer.body:
        return gzip.decompress(answer.body)
    return answer.body


def difference(mine, real):
    if mine.status != real.status:
        return f"status {mine.status}, not {real.status}"
    a, b = headers_of(mine), headers_of(real)
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) != b.get(name):
            return f"header {name}: {a.get(name)!r}, not {b.get(name)!r}"
    a, b = (SHARD.sub(b"shard N:", body_of(answer)) for answer in (mine, real))
    for grants, row in GRANTS:  # InfluxDB lists them in the order of a Go map
        if grants in a:
            a, b = (b",".join(sorted(row.findall(text))) for text in (a, b))
    if a == b or same_but_for_digits(a, b):
        return None
    return "body"


def unescaped(text):
    def one(match):
        code = match.group(1)
        return {"n": "\n", "t": "\t", "r": "\r"}.get(code) or chr(int(code[1:], 16))
    return re.sub(r"\\(n|t|r|x[0-9a-fA-F]{2})", one, text).encode("latin-1" if "\\x" in text else "utf-8")


class Script:
    """What is set for the requests that follow."""

    def __init__(self):
        self.database, self.credentials = "", None
        self.parameters, self.headers = [], {}

    def request(self, word, rest):
        """(method, target, body, headers) of one line."""
        parameters, headers = self.parameters, self.headers
        self.parameters, self.headers = [], {}
        if self.credentials and "Authorization" not in headers:
            headers["Authorization"] = self.credentials
        body = None
        if word in ("q", "get", "form"):
            parameters = [("db", self.database)] * bool(self.database) + parameters
            if word == "form":
                body = urllib.parse.urlencode({"q": rest}).encode()
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            else:
                parameters.append(("q", rest))
            return "GET" if word == "get" else "POST", "/query?" + urllib.parse.urlencode(parameters), body, headers
        if word in ("w", "gz"):
            parameters = [("db", self.database)] * bool(self.database) + parameters
            body = unescaped(rest)
            if word == "gz":
                body = gzip.compress(body, mtime=0)
                headers["Content-Encoding"] = "gzip"
            return "POST", "/write?" + urllib.parse.urlencode(parameters), body, headers
        assert word == "http", word
        method, target, *body = rest.split(" ", 2)
        return method, target, unescaped(body[0]) if body else None, headers

    def set(self, word, rest):
        """Whether the line was one that sets something."""
        if word == "use":
            self.database = rest
        elif word == "as":
            import base64
            self.credentials = "Basic " + base64.b64encode(rest.replace(" ", ":", 1).encode()).decode() if rest else None
        elif word == "with" and re.match(r"[A-Za-z-]+: ?", rest):
            name, value = rest.split(":", 1)
            self.headers[name] = value.strip()
        elif word == "with":
            self.parameters += urllib.parse.parse_qsl(rest, keep_blank_values=True)
        else:
            return False
        return True


def lines_of(only):
    """(file and line number, line) of all scripts."""
    for name in sorted(os.listdir(FOLDER)):
        if only and only not in name:
            continue
        with open(os.path.join(FOLDER, name), encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    yield f"{name}:{number}", line


def run(pair, pair_with_auth, only="", verbose=False):
    """Pairs of servers, ours first; those with authentication may be None. Returns (asked, differences)."""
    asked = differences = 0
    script, servers = None, None
    for place, line in lines_of(only):
        word, _, rest = line.partition(" ")
        if word == "topic":
            servers = pair_with_auth if rest.endswith(" auth") else pair
            script = Script()
            for server in servers or ():
                server.start_anew()
            continue
        if servers is None or script.set(word, rest):
            continue
        mark = word if word in "!~?" else ""
        if mark:
            word, _, rest = rest.partition(" ")
        request = script.request(word, rest)
        mine, real = (server.send(*request) for server in servers)
        if mark == "~":
            continue
        asked += 1
        why = difference(mine, real)
        for _ in range(50 if mark == "?" else 0):
            if not why:
                break
            time.sleep(0.1)
            mine, real = (server.send(*request) for server in servers)
            why = difference(mine, real)
        if mark == "!":
            why = None if why else "no longer a difference"
        if why or verbose:
            differences += bool(why)
            print(f"--- {place}: {line}\n  {why}\n  ours   {mine.status} {body_of(mine)[:1500]!r}\n  theirs {real.status} {body_of(real)[:1500]!r}")
    return asked, differences
