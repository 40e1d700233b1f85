"""PyPI's influxdb-client (for InfluxDB 2.x) against the server on the port given, user root, password pw."""
import sys
import urllib.parse
import urllib.request

from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS, WriteOptions
from influxdb_client.rest import ApiException

url = "http://127.0.0.1:" + sys.argv[1]


def query(text, **parameters):
    parameters.update(q=text, u="root", p="pw")
    return urllib.request.urlopen(url + "/query?" + urllib.parse.urlencode(parameters), data=b"").read().decode()


query("CREATE DATABASE v2")
for gzip in (False, True):
    with InfluxDBClient(url=url, token="root:pw", org="any", enable_gzip=gzip) as client:
        assert client.ping()
        assert client.health().status == "pass", client.health()
        writer = client.write_api(write_options=SYNCHRONOUS)
        writer.write("v2", record=Point("m").tag("gzip", str(gzip)).field("v", 1.5).time(1, WritePrecision.NS))
        writer.write("v2/autogen", record="m,gzip=%s n=7i 2" % gzip, write_precision=WritePrecision.S)
        with client.write_api(write_options=WriteOptions(batch_size=2, flush_interval=100)) as batching:
            for i in range(5):
                batching.write("v2", record="batch,gzip=%s v=%d %d" % (gzip, i, i + 1))
with InfluxDBClient(url=url, token="root:wrong", org="any") as client:
    try:
        client.write_api(write_options=SYNCHRONOUS).write("v2", record="m v=1")
        raise AssertionError("a wrong token was taken")
    except ApiException as refused:
        assert refused.status == 401, refused
answer = query("SELECT count(v), count(n) FROM m", db="v2")
assert '"values":[["1970-01-01T00:00:00Z",2,2]]' in answer, answer
answer = query("SELECT sum(v) FROM batch", db="v2")
assert '"values":[["1970-01-01T00:00:00Z",20]]' in answer, answer
