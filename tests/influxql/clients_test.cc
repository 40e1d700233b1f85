// Real clients of InfluxDB 1.x and 2.x against tsdbd: the influx shell, Python's influxdb and
// influxdb-client, and influxdb-java, which Flink's reporter is built on.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

class InfluxClients : public ::testing::Test {
 protected:
  void Start(bool auth) {
    WriteFile(directory_ / "prometheus.yml",
              std::string("influx: {auth_enabled: ") + (auth ? "true" : "false") + "}\n");
    server_ = std::make_unique<TsdbdProcess>(
        directory_ / "data",
        std::vector<std::string>{"--config.file=" + (directory_ / "prometheus.yml")});
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }

  std::string Influx(const std::string& arguments) {
    const auto status = RunShell(
        "influx -host 127.0.0.1 -port " + std::to_string(server_->port()) + " " + arguments,
        directory_.path(), directory_ / "influx.log", 30'000);
    exit_status_ = status.ok() ? *status : -1;
    std::string output = ReadFile(directory_ / "influx.log");
    std::filesystem::remove(directory_ / "influx.log");
    return output;
  }

  // Runs a script of tests/influxql with Python and the packages it needs, installed under build/
  // once.
  void Python(const std::string& script) {
    const std::string packages = SourceDirectory() + "/build/interop/python";
    std::filesystem::create_directories(packages);
    const std::string install = "python3 -c 'import sys; sys.path.insert(0, \"" + packages +
                                "\"); import influxdb, influxdb_client' 2>/dev/null || "
                                "python3 -m pip install -q --target " +
                                packages + " influxdb==5.3.2 influxdb-client==1.50.0";
    const auto installed = RunShell(install, directory_.path(), directory_ / "pip.log", 300'000);
    TSDB_REQUIRE_EXTERNAL(installed.ok() && *installed == 0, "PyPI's influxdb, influxdb-client");
    const auto status =
        RunShell("PYTHONPATH=" + packages + " python3 " + SourceDirectory() + "/tests/influxql/" +
                     script + " " + std::to_string(server_->port()),
                 directory_.path(), directory_ / "python.log", 60'000);
    ASSERT_TRUE(status.ok());
    EXPECT_EQ(*status, 0) << ReadFile(directory_ / "python.log");
  }

  const TempDir directory_;
  std::unique_ptr<TsdbdProcess> server_;
  int exit_status_ = 0;
};

TEST_F(InfluxClients, ShellExecutesStatementsInEveryFormat) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influx"), "the influx shell (Debian: influxdb-client)");
  ASSERT_NO_FATAL_FAILURE(Start(false));
  EXPECT_EQ(Influx("-execute 'CREATE DATABASE shell'"), "");
  EXPECT_EQ(exit_status_, 0);
  EXPECT_EQ(Influx("-database shell -execute 'INSERT cpu,host=a v=1.5,n=9007199254740993i 1'"), "");
  EXPECT_EQ(Influx("-database shell -format csv -execute 'SELECT * FROM cpu'"),
            "name,time,host,n,v\ncpu,1,a,9007199254740993,1.5\n");
  EXPECT_EQ(Influx("-database shell -format json -execute 'SELECT v FROM cpu'"),
            "{\"results\":[{\"series\":[{\"name\":\"cpu\",\"columns\":[\"time\",\"v\"],"
            "\"values\":[[1,1.5]]}]}]}\n");
  const std::string columns =
      Influx("-database shell -precision rfc3339 -execute 'SELECT v FROM cpu'");
  EXPECT_NE(columns.find("1970-01-01T00:00:00.000000001Z 1.5"), std::string::npos) << columns;
  Influx("-execute 'SELECT * FROM nodb..cpu'");
  EXPECT_EQ(exit_status_, 1);
}

// With a terminal of its own, which script(1) gives it.
TEST_F(InfluxClients, ShellTakesStatementsAtATerminal) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influx"), "the influx shell (Debian: influxdb-client)");
  TSDB_REQUIRE_EXTERNAL(HasProgram("script"), "script (Debian: bsdutils)");
  ASSERT_NO_FATAL_FAILURE(Start(false));
  WriteFile(directory_ / "typed.txt",
            "CREATE DATABASE typed\nUSE typed\nINSERT cpu,host=a v=1.5 1000000000\n"
            "format csv\nprecision rfc3339\nSELECT v FROM cpu\nSELECT v FORM cpu\nexit\n");
  const std::string shell = "influx -host 127.0.0.1 -port " + std::to_string(server_->port());
  const auto status =
      RunShell("script -qec '" + shell + "' /dev/null < " + (directory_ / "typed.txt"),
               directory_.path(), directory_ / "screen.log", 30'000);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(*status, 0);
  const std::string screen = ReadFile(directory_ / "screen.log");
  EXPECT_NE(screen.find("version 1.8.10"), std::string::npos) << screen;
  EXPECT_NE(screen.find("Using database typed"), std::string::npos) << screen;
  EXPECT_NE(screen.find("cpu,1970-01-01T00:00:01Z,1.5"), std::string::npos) << screen;
  EXPECT_NE(screen.find("error parsing query: found FORM, expected FROM"), std::string::npos)
      << screen;
}

TEST_F(InfluxClients, ShellImportsWhatItExported) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influx"), "the influx shell (Debian: influxdb-client)");
  ASSERT_NO_FATAL_FAILURE(Start(false));
  WriteFile(directory_ / "import.txt",
            "# DDL\nCREATE DATABASE imported\n\n# DML\n# CONTEXT-DATABASE: imported\n"
            "cpu,host=a v=1 10\ncpu,host=b v=2 20\n");
  const std::string output =
      Influx("-import -precision=s -path=" + (directory_ / "import.txt") + " 2>&1");
  EXPECT_EQ(exit_status_, 0) << output;
  EXPECT_EQ(Influx("-database imported -format csv -execute 'SELECT sum(v) FROM cpu'"),
            "name,time,sum\ncpu,0,3\n");
}

TEST_F(InfluxClients, ShellLogsInWithUsers) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influx"), "the influx shell (Debian: influxdb-client)");
  ASSERT_NO_FATAL_FAILURE(Start(true));
  Influx("-execute \"CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES\"");
  EXPECT_EQ(exit_status_, 0);
  Influx("-username root -password wrong -execute 'SHOW DATABASES'");
  EXPECT_EQ(exit_status_, 1);
  EXPECT_EQ(Influx("-username root -password pw -format csv -execute 'SHOW USERS'"),
            "user,admin\nroot,true\n");
}

TEST_F(InfluxClients, PythonsInfluxdbReadsAndWrites) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("python3"), "Python 3");
  ASSERT_NO_FATAL_FAILURE(Start(false));
  Python("python_v1.py");
}

TEST_F(InfluxClients, PythonsInfluxdbClientWritesAsToVersion2) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("python3"), "Python 3");
  ASSERT_NO_FATAL_FAILURE(Start(true));
  Influx("-execute 'SHOW DATABASES'");
  ASSERT_TRUE(
      server_
          ->PostForm("/query", {{"q", "CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES"}})
          .ok());
  Python("python_v2.py");
}

TEST_F(InfluxClients, InfluxdbJavaWritesAsFlinkDoes) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("java") && HasProgram("mvn"), "a JDK and Maven");
  ASSERT_NO_FATAL_FAILURE(Start(true));
  ASSERT_TRUE(
      server_
          ->PostForm("/query", {{"q", "CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES"}})
          .ok());
  const std::string harness = SourceDirectory() + "/build/interop/influxdb-java";
  std::filesystem::create_directories(harness);
  const auto built =
      RunShell("cp -ru " + SourceDirectory() +
                   "/tests/influxql/java/. . && mvn -q -o compile dependency:build-classpath "
                   "-Dmdep.outputFile=classpath.txt || mvn -q compile "
                   "dependency:build-classpath -Dmdep.outputFile=classpath.txt",
               harness, directory_ / "mvn.log", 300'000);
  TSDB_REQUIRE_EXTERNAL(built.ok() && *built == 0, "Maven's influxdb-java 2.17");
  const auto status =
      RunShell("java -cp target/classes:$(cat classpath.txt) FlinkLike " + server_->url(), harness,
               directory_ / "java.log", 60'000);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(*status, 0) << ReadFile(directory_ / "java.log");
}

}  // namespace
}  // namespace tsdb::testing
