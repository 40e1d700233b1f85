// tsdbctl as a program, against a tsdbd.
#include <gtest/gtest.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

class Tsdbctl : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.Start().ok()); }

  // The exit status, and what was printed into `output_`.
  int Run(const std::string& arguments) {
    const std::string log = directory_ / "output";
    std::remove(log.c_str());
    const auto status =
        RunShell("exec " + ProgramPath("tsdbctl") + " --url " + server_.url() + " " + arguments,
                 directory_.path(), log, 60'000);
    output_ = ReadFile(log);
    return status.ok() ? *status : -1;
  }

  TempDir directory_;
  TsdbdProcess server_{directory_ / "data"};
  std::string output_;
};

TEST_F(Tsdbctl, WrongUsageIsTwoAndSaysWhatIsWrong) {
  const auto check = [&](const std::string& arguments, const std::string& expected) {
    EXPECT_EQ(Run(arguments), 2) << arguments;
    EXPECT_NE(output_.find(expected), std::string::npos) << arguments << ": " << output_;
  };
  check("", "a command is needed");
  check("nope", "not expected: nope");
  check("write --precision d", "unknown precision \"d\"");
  check("write nothing.lp", "cannot read nothing.lp");
  check("write .", "a directory");
  check("--user x query 1", "--user and --password-file belong together");
  check("--password-file x query 1", "--user and --password-file belong together");
  check("--token-file nothing query 1", "cannot read a line from nothing");
  check("delete '{a=\"b\"}' --start yesterday", "cannot read the time \"yesterday\"");
  WriteFile(directory_ / "m.lp.gz", "\x1f\x8b\x08");
  check("write m.lp.gz", "zcat");
  EXPECT_EQ(Run("delete '{a=\"b\"}' --start now-1h --end now"), 0) << output_;
}

TEST_F(Tsdbctl, LinesThatAreRefusedAreNamedByTheirNumber) {
  WriteFile(directory_ / "m.lp",
            "# first\nm s=\"two\nlines\" 1\nbad\n\nm f=1 2\n bad\r\nm f=x 3\n");
  EXPECT_EQ(Run("write m.lp"), 1);
  EXPECT_EQ(output_,
            "tsdbctl: stopped after 0 lines: HTTP status 400: partial write: line 4: unable to "
            "parse 'bad': missing fields\nline 7: unable to parse 'bad\r': missing fields\nline 8: "
            "unable to parse 'm f=x 3': invalid boolean dropped=0\n");
  EXPECT_EQ(Run("-o raw write --precision us - < /dev/null"), 0);
  EXPECT_EQ(output_, "0\n");
  WriteFile(directory_ / "m.txt", "up 1\nup{ 2\n");
  EXPECT_EQ(Run("write m.txt"), 1);
  EXPECT_NE(output_.find("line 2"), std::string::npos) << output_;
}

// Pieces of the input end within lines; a string goes over the border of two.
TEST_F(Tsdbctl, AFileOfManyPiecesIsWrittenWhole) {
  std::string text;
  for (int i = 0; i < 120'000; ++i) {
    text += "m,host=h" + std::to_string(i % 10) + " f=" + std::to_string(i) + ",s=\"" +
            std::string(i % 90, 'x') + "\n\" " + std::to_string(1'700'000'000 + i) + "\n";
  }
  WriteFile(directory_ / "m.lp", text);
  EXPECT_EQ(Run("-o raw write --precision s m.lp"), 0) << output_;
  EXPECT_EQ(output_, "120000\n");
  EXPECT_EQ(Run("-o raw write --precision s < m.lp"), 0) << output_;
  const auto answer = server_.Get("/query?db=flink&q=SELECT+count(f),sum(f),count(s)+FROM+m");
  ASSERT_TRUE(answer.ok());
  EXPECT_NE(answer->body.find(",120000,7199940000,120000]"), std::string::npos) << answer->body;
}

}  // namespace
}  // namespace tsdb::testing
