"""Python's influxdb (for InfluxDB 1.x) against the server on the port given."""
import sys

from influxdb import InfluxDBClient

client = InfluxDBClient("127.0.0.1", int(sys.argv[1]), "root", "root", "pydb")
assert client.ping().startswith("1.8"), client.ping()
client.create_database("pydb")
assert {"name": "pydb"} in client.get_list_database()
client.create_retention_policy("week", "7d", 1, default=False)
assert [p["name"] for p in client.get_list_retention_policies()] == ["autogen", "week"]
assert client.write_points([
    {"measurement": "cpu", "tags": {"host": "a b"}, "time": 1704067200000000001,
     "fields": {"f": 1.5, "i": 9007199254740993, "s": 'te"xt', "b": True}},
    {"measurement": "cpu", "tags": {"host": "c"}, "time": 1704067260000000000, "fields": {"f": 2.5}},
], time_precision="n")
rows = list(client.query("SELECT * FROM cpu", epoch="ns").get_points())
assert rows[0] == {"time": 1704067200000000001, "b": True, "f": 1.5, "host": "a b",
                   "i": 9007199254740993, "s": 'te"xt'}, rows
assert rows[1]["f"] == 2.5 and rows[1]["i"] is None, rows
rows = list(client.query("SELECT mean(f) FROM cpu WHERE host = $h", bind_params={"h": "c"}).get_points())
assert rows[0]["mean"] == 2.5, rows
assert [m["name"] for m in client.get_list_measurements()] == ["cpu"]
assert len(client.get_list_series()) == 2
grouped = client.query("SELECT f FROM cpu GROUP BY host")
assert sorted(key[1]["host"] for key in grouped.keys()) == ["a b", "c"], grouped
client.create_user("reader", "pw")
client.grant_privilege("read", "pydb", "reader")
assert client.get_list_privileges("reader") == [{"database": "pydb", "privilege": "READ"}]
client.drop_user("reader")
client.delete_series(measurement="cpu", tags={"host": "c"})
assert len(client.get_list_series()) == 1
client.drop_measurement("cpu")
assert client.get_list_measurements() == []
client.drop_database("pydb")
assert {"name": "pydb"} not in client.get_list_database()
