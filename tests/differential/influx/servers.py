"""The two servers under comparison: starting an InfluxDB 1.x of the machine's, and asking either."""
import http.client
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


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.error_header = headers.get("X-Influxdb-Error")
        self.content_type = headers.get("Content-Type")

    def key(self):
        return self.status, self.content_type, self.error_header, self.body


class Server:
    """One connection, kept. Not thread-safe."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.connection = None

    def ask(self, method, path, parameters=None, body=None, headers=None):
        target = path
        if parameters:
            target += "?" + urllib.parse.urlencode(parameters)
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
