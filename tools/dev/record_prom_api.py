#!/usr/bin/env python3
"""Makes tests/golden/prom_api/: asks a Prometheus 3.14 each line of requests.txt and http.txt and keeps its answers.

  record_prom_api.py PATH_OF_PROMETHEUS    writes data.rw1, answers.json and http_answers.json
  record_prom_api.py --compare URL         asks URL (which has data.rw1 already) and prints differences
"""
import json
import os
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

GOLDEN = os.path.join(os.path.dirname(__file__), "../../tests/golden/prom_api")
PORT = 19914
END_MS = 1_700_003_600_000


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def integer(number, value):
    return varint(number << 3) + varint(value & (1 << 64) - 1)


def double(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def labels(pairs):
    return b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in sorted(pairs.items()))


def series(pairs, samples, exemplars=(), histograms=()):
    body = labels(pairs)
    body += b"".join(field(2, double(1, value) + integer(2, at)) for at, value in samples)
    for at, value, exemplar_labels in exemplars:
        body += field(3, labels(exemplar_labels) + double(2, value) + integer(3, at))
    body += b"".join(field(4, histogram) for histogram in histograms)
    return field(1, body)


def exponential(at, factor):
    """Buckets of schema 1: a zero bucket, two spans, one negative bucket."""
    positive = [2 * factor, -factor, 2 * factor]  # counts 2, 1, 3
    body = integer(1, 9 * factor) + double(3, 18.4 * factor) + integer(4, zigzag(1)) + double(5, 0.001)
    body += integer(6, 2 * factor)
    body += field(8, integer(1, zigzag(0)) + integer(2, 1)) + field(9, varint(zigzag(factor)))
    body += field(11, integer(1, zigzag(0)) + integer(2, 2)) + field(11, integer(1, zigzag(1)) + integer(2, 1))
    body += field(12, b"".join(varint(zigzag(delta)) for delta in positive)) + integer(15, at)
    return body


def custom(at, factor):
    body = integer(1, 5 * factor) + double(3, 7.5 * factor) + integer(4, zigzag(-53))
    body += field(11, integer(1, zigzag(0)) + integer(2, 3))
    body += field(12, b"".join(varint(zigzag(delta)) for delta in (2 * factor, -factor, factor))) + integer(15, at)
    return body + field(16, struct.pack("<3d", 0.5, 1, 2.5))


def data():
    times = list(range(END_MS - 600_000, END_MS + 1, 15_000))
    last = [END_MS]
    out = b""
    for job, instance, value in (("flink", "a:1", 1), ("flink", "b:1", 0), ("kafka", "c:1", 1)):
        out += series({"__name__": "up", "job": job, "instance": instance}, [(at, value) for at in times])
    for code, rate in (("200", 3), ("500", 0.1)):
        exemplars = [(END_MS - 100_000, 1.5, {"trace_id": "t1"}), (END_MS - 1, 0.25, {"trace_id": "t2", "ünï": "<&>"})]
        out += series({"__name__": "requests_total", "job": "flink", "code": code},
                      [(at, rate * index) for index, at in enumerate(times)], exemplars)
    for le, count in (("0.1", 5), ("0.5", 8), ("+Inf", 9)):
        out += series({"__name__": "latency_bucket", "job": "flink", "le": le},
                      [(at, count * index) for index, at in enumerate(times)])
    odd = {"tiny": 5e-324, "small": 1e-7, "million": 1e6, "huge": 1.7976931348623157e308, "e21": 1e21,
           "long": 0.1 + 0.2, "nan": float("nan"), "inf": float("inf"), "minusinf": float("-inf"), "minuszero": -0.0}
    for kind, value in odd.items():
        out += series({"__name__": "odd", "kind": kind}, [(at, value) for at in last])
    out += series({"__name__": "utf-8.metric", "label.with.dots": "x", "job": "flink"}, [(at, 1) for at in last])
    out += series({"__name__": "text", "quoted": 'a"b\\c\n<&>\u2028é', "instance__x": "y", "ü": "z", "a/b": "s"}, [(at, 2) for at in last])
    out += series({"__name__": "native", "job": "flink"}, [], (), [exponential(at, index + 1) for index, at in enumerate(times)])
    out += series({"__name__": "custom", "job": "flink"}, [], (), [custom(at, index + 1) for index, at in enumerate(times)])
    return out


def snappy(raw):
    """The block format with literals only."""
    out = varint(len(raw))
    for start in range(0, len(raw), 60_000):
        piece = raw[start:start + 60_000]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return out


def requests():
    with open(os.path.join(GOLDEN, "requests.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                method, path, *rest = shlex.split(line)
                yield line.strip(), method, path, urllib.parse.urlencode([tuple(word.split("=", 1)) for word in rest])


def ask(base, method, path, form):
    url, body = base + path, None
    if method == "POST":
        body = form.encode()
    elif form:
        url += "?" + form
    request = urllib.request.Request(url, body, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read().decode()


def normal(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def answers(base):
    out = []
    for line, method, path, form in requests():
        status, content_type, body = ask(base, method, path, form)
        out.append({"request": line, "method": method, "path": path, "form": form, "status": status,
                    "content_type": content_type, "body": body})
    return out


# Headers of http_answers.json. Small answers need not be compressed.
KEPT = ("content-type", "allow", "location", "vary", "access-control-", "x-content-type-options")


def http_requests():
    """Of each line of http.txt: the line, and the request's bytes, one character for each."""
    with open(os.path.join(GOLDEN, "http.txt"), encoding="ascii") as lines:
        for line in lines:
            if not line.strip() or line.startswith("#"):
                continue
            head, separator, body = line.rstrip("\n").partition(" ||")
            start, *headers = head.split(" | ")
            body = body.removeprefix(" ").encode().decode("unicode_escape")
            if separator:
                headers.append("Content-Length: %d" % len(body))
            start = start.encode().decode("unicode_escape")
            yield line.strip(), "\r\n".join([start + " HTTP/1.1", "Host: x", *headers, "Connection: close", "", body])


def ask_http(address, request):
    """Status, the kept headers as sorted lines, and the body."""
    with socket.create_connection(address) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *headers = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in headers)]
    if ("transfer-encoding", "chunked") in headers:
        chunks, rest = b"", body
        while size := int(rest.partition(b"\r\n")[0], 16):
            start = rest.index(b"\r\n") + 2
            chunks, rest = chunks + rest[start:start + size], rest[start + size + 2:]
        body = chunks
    kept = sorted("%s: %s" % header for header in headers if header[0].startswith(KEPT))
    return int(first.split(" ")[1]), "\n".join(kept), body.decode("latin-1")


def http_answers(address):
    out = []
    for line, request in http_requests():
        status, headers, body = ask_http(address, request)
        out.append({"line": line, "request": request, "status": status, "headers": headers, "body": body})
    return out


def write_json(name, got):
    with open(os.path.join(GOLDEN, name), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(answer) for answer in got) + "\n]\n")


def record(program):
    with open(os.path.join(GOLDEN, "data.rw1"), "wb") as file:
        file.write(snappy(data()))
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {}\n")
        server = subprocess.Popen([program, "--config.file=" + config, "--storage.tsdb.path=" + directory + "/data",
                                   "--web.listen-address=127.0.0.1:%d" % PORT, "--web.enable-remote-write-receiver",
                                   "--storage.tsdb.retention.time=100y",
                                   "--enable-feature=exemplar-storage,search-api"], stderr=subprocess.DEVNULL)
        base = "http://127.0.0.1:%d" % PORT
        try:
            for _ in range(100):
                try:
                    if ask(base, "GET", "/-/ready", "")[0] == 200:
                        break
                except OSError:
                    pass
                time.sleep(0.1)
            write(base)
            got = answers(base)
            got_http = http_answers(("127.0.0.1", PORT))
        finally:
            server.terminate()
            server.wait()
    write_json("answers.json", got)
    write_json("http_answers.json", got_http)


def write(base):
    request = urllib.request.Request(base + "/api/v1/write", snappy(data()), {
        "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0"})
    urllib.request.urlopen(request).read()


def compare(base):
    with open(os.path.join(GOLDEN, "answers.json"), encoding="utf-8") as file:
        expected = json.load(file)
    differences = 0
    for want, have in zip(expected, answers(base)):
        if (want["status"], normal(want["body"])) != (have["status"], normal(have["body"])):
            differences += 1
            print(want["request"])
            print("  want %s %s" % (want["status"], want["body"].strip()[:1500]))
            print("  have %s %s" % (have["status"], have["body"].strip()[:1500]))
        elif want["content_type"] != have["content_type"]:
            print(want["request"], "\n  want type", want["content_type"], "have", have["content_type"])
    print(differences, "of", len(expected), "differ")


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write(sys.argv[2])
    elif sys.argv[1] == "--compare":
        compare(sys.argv[2])
    else:
        record(sys.argv[1])
