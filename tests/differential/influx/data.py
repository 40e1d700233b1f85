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
