"""What is written to both servers: good lines of every kind, and lines with something wrong."""
import random

HOUR = 3600 * 10**9
DAY = 24 * HOUR
# A Monday at midnight UTC: shard groups of seven days begin there, and clocks change in between.
BASE = 1710720000 * 10**9
DATABASE = "diff"


def number(rng):
    """Mostly eighths, whose sums do not depend on the order."""
    if rng.random() < 0.97:
        return rng.randrange(-400000, 4000000) / 8
    return float(rng.randrange(-5, 6))


def integer(rng):
    return rng.randrange(-10**6, 10**8) if rng.random() < 0.95 else rng.randrange(-9, 10)


TEXTS = ["up", "down", "", "a b", 'say "x"', "back\\slash", "grün", "line,comma=1", "<tag>&", "10", "2.5", "true"]


def text(rng):
    return rng.choice(TEXTS)


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def field(rng, kind):
    if kind == "f":
        return repr(number(rng))
    if kind == "i":
        return f"{integer(rng)}i"
    if kind == "s":
        return quoted(text(rng))
    return rng.choice(["true", "false", "t", "F", "T", "f", "True", "FALSE"])


def good_lines(rng):
    """(policy, lines): a dense measurement, a sparse one over weeks, one whose types change, odd names."""
    # Each series has its own fraction of a second: which of several points of one time comes first is left to InfluxDB's cores.
    dense = []
    fraction = 0
    for host in ("a", "b", "c"):
        for region in ("eu", "us", None):
            if rng.random() < 0.2:
                continue
            tags = f",host={host}" + (f",region={region}" if region else "")
            step = rng.choice([10, 10, 15, 60]) * 10**9
            fraction += rng.choice([1, 1000, 100000, 10**8])
            at = BASE + rng.randrange(0, 20) * 10 * 10**9 + fraction
            while at < BASE + 2 * HOUR:
                if rng.random() < 0.05:
                    at += rng.randrange(1, 90) * 10 * 10**9
                fields = [f"f={field(rng, 'f')}"]
                for name in "isb":
                    if rng.random() < 0.6:
                        fields.append(f"{name}={field(rng, name)}")
                if rng.random() < 0.1:
                    fields.pop(0)
                if fields:
                    dense.append(f"cpu{tags} {','.join(fields)} {at}")
                at += step
    sparse = []
    for host in ("a", "b", "d"):
        for day in range(-10, 30):
            if rng.random() < 0.7:
                at = BASE + day * DAY + rng.randrange(0, 24) * HOUR + rng.choice([0, 1, 999999999, 123456789]) + 10 * len(sparse)
                sparse.append(f"days,host={host},zone={rng.choice('xyz')} f={field(rng, 'f')},n={field(rng, 'i')},s={field(rng, 's')} {at}")
    changing = []
    for week, kind in enumerate("fisbif"):  # one type a shard group
        for k in range(5):
            at = BASE + week * 7 * DAY + k * 17 * HOUR
            changing.append(f"mixed,host={'ab'[k % 2]} v={field(rng, kind)},w={field(rng, 'i')} {at}")
    odd = []
    for k in range(30):
        at = BASE + k * 60 * 10**9
        odd.append(f"we\\ ird\\,m,ta\\ g=v\\=1,ho\\,st={'xy'[k % 2]}\\ z fi\\ eld={k},time2={k}i,dup=\"field{k % 3}\" {at}")
        odd.append(f"both,dup=t{k % 2} dup={k},value={k * 2}i {at}")
        odd.append(f"notags v={k % 7},u={k}i {at}")
    odd.append("old,host=a v=1 -1000000000")
    odd.append("old,host=a v=2 -9223372036854775806")
    odd.append("old,host=b v=3 9223372036854775806")
    odd.append(f"big,host=b i=9007199254740993i,j=-9007199254740993i,k=9223372036854775807i {BASE}")
    odd.append(f"big,host=c v=0.1,w=1e-7,x=123456.125,y=3.3333333333333335,z=-1e-9 {BASE + 1}")
    odd.append("big,host=a v=1e21,w=2.5e20,x=1e-300,y=1.7976931348623157e308,z=100000000000000000000 1710720000000000000")
    odd.append("select,from=where group=1,order=2i 1710720000000000000")
    other = [f"cpu,host={h} f={field(rng, 'f')},i={field(rng, 'i')} {BASE + k * 30 * 10**9 + 7 + (h == 'z')}" for h in "az" for k in range(40)]
    return [("", dense), ("", sparse), ("", changing), ("", odd), ("other", other)]


BAD_PIECES = ["", " ", ",", "=", "\\", '"', "i", "u", "t", "true", "nan", "1e400", "-", "+1", ".", "1.2.3", "0x1f", "\t",
              "time=1", ",,", "==", "\\,", "\\ ", "\\=", '""', "9223372036854775808i", "1i", "-9223372036854775809i", "é",
              "1e5i", "#", "1234567890123456789012", "\r", "=1", "a=b", ",a=b", "1700000000000000000", "-1", " 1 2"]
LINE_START = ["wr", "wr,a=1", "wr,a=1,b=2", "w\\ r", "wr,a=x\\,y", "time", "wr,time=1", "wr,b=1,a=2", "wr,a=1,a=2", '"wr"', "wr,=1", "wr,a="]
LINE_FIELDS = ["v=1", "v=1,w=2i", 'v="x"', "v=true", "v=t,w=F", "v=1i", 'v="a b\\"c"', "v=1,v=2", "time=1", "time=1,v=2", "v=1e3",
               "v=-.5", "v=5.", "w=1", 'w="s"', "v=-0", "v=1u", "x=1,y=2,z=3i", 'v="x"y"', "v=,w=1", "=1", "v", "v=\"un"]
LINE_TIME = ["", " ", " 1", " 1710720000", " 1710720001000000000", " -5", " 9223372036854775807", " 9223372036854775806",
             " -9223372036854775807", " 1.5", " x", " 1i", "  7", " 3 ", " 1e3", " 99999999999999999999"]


def maybe_bad_line(rng, times):
    line = rng.choice(LINE_START) + " " + rng.choice(LINE_FIELDS) + rng.choice(times)
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        at = rng.randrange(len(line) + 1)
        if rng.random() < 0.5:
            line = line[:at] + rng.choice(BAD_PIECES) + line[at:]
        else:
            line = line[:at] + line[at + rng.randrange(1, 4):]
    # InfluxDB stores such a name under two names and finds nothing of it.
    return line.replace("\\\\ ", "\\ ").replace("\\\\,", "\\,")


def write_request(rng, database):
    """(parameters, body) of a /write; the points that it stores carry a time, so that both store the same."""
    count = rng.choice([1, 1, 1, 2, 3, 6])
    # Of what several of its shards refuse, InfluxDB tells about one.
    times = LINE_TIME if count == 1 else [" 1", " 3 ", "  7", " 1i", " 1.5", " x", " 2", " 1e3"]
    lines = [maybe_bad_line(rng, times) for _ in range(count)]
    parameters = {"db": database}
    if rng.random() < 0.5:
        parameters["precision"] = rng.choice(["n", "ns", "u", "ms", "s", "m", "h", "us", "", "x"])
    if rng.random() < 0.15:
        parameters["rp"] = rng.choice(["", "other", "autogen", "nope"])
    if rng.random() < 0.1:
        parameters["consistency"] = rng.choice(["one", "all", "any", "quorum", "bad"])
    if rng.random() < 0.03:
        parameters["db"] = rng.choice(["", "nodb"])
    separator = rng.choice(["\n", "\n", "\n", "\n\n", "\r\n", "\n#c\n", "\n \n"])
    return parameters, separator.join(lines).encode("utf-8", "surrogateescape")
