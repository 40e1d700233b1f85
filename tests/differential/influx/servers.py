"""The two servers under comparison: starting an InfluxDB 1.x of the machine's, and asking either."""
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse

INFLUXD_CONFIG = """reporting-enabled = false
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{home}/meta"
[data]
  dir = "{home}/data"
  wal-dir = "{home}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "error"
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = {auth}
  log-enabled = false
  max-row-limit = 0
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Influxd:
    """The real one, with a configuration and a directory of its own. Ends with the `with` block."""

    def __init__(self, home, auth=False, binary="influxd"):
        self.home, self.binary, self.auth = home, binary, auth
        self.port = free_port()
        self.process = None

    def __enter__(self):
        os.makedirs(self.home, exist_ok=True)
        path = os.path.join(self.home, "influxd.conf")
        with open(path, "w") as f:
            f.write(INFLUXD_CONFIG.format(home=self.home, rpc=free_port(), port=self.port,
                                          auth="true" if self.auth else "false"))
        log = open(os.path.join(self.home, "influxd.log"), "w")
        self.process = subprocess.Popen([self.binary, "-config", path], stdout=log, stderr=log)
        Server(self.url).wait()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.error_header = headers.get("X-Influxdb-Error")
        self.content_type = headers.get("Content-Type")

    def key(self):
        return self.status, self.content_type, self.error_header, self.body


class Server:
    """One connection, kept. Not thread-safe. Its own requests are the first user's, if there is one."""

    def __init__(self, url, user=None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.user = user
        self.connection = None

    def column(self, statement):
        """The first value of each row."""
        parameters = {"q": statement, **({"u": self.user[0], "p": self.user[1]} if self.user else {})}
        results = json.loads(self.ask("POST", "/query", parameters).body).get("results", [])
        return [row[0] for result in results for series in result.get("series", []) for row in series.get("values", [])]

    def start_anew(self):
        """Without databases and users, the first user the last to go."""
        for name in self.column("SHOW DATABASES"):
            self.column("DROP DATABASE " + quoted(name))
        for name in sorted(self.column("SHOW USERS"), key=lambda name: bool(self.user) and name == self.user[0]):
            self.column("DROP USER " + quoted(name))

    def ask(self, method, path, parameters=None, body=None, headers=None):
        return self.send(method, path + ("?" + urllib.parse.urlencode(parameters) if parameters else ""), body, headers)

    def send(self, method, target, body=None, headers=None):
        for last in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
            try:
                self.connection.request(method, target, body=body, headers=headers or {})
                response = self.connection.getresponse()
                return Answer(response.status, response.headers, response.read())
            except (http.client.HTTPException, OSError):
                self.connection = None
                if last:
                    raise

    def wait(self):
        for _ in range(300):
            try:
                self.ask("GET", "/ping")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"nobody answers at {self.host}:{self.port}")
