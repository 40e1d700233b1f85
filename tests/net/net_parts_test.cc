// The parts of net that need no server: messages, routes, compression, response bytes.
#include <zlib.h>

#include "gtest/gtest.h"
#include "net/compression.h"
#include "net/http_message.h"
#include "net/request_parser.h"
#include "net/response_writer.h"
#include "net/router.h"

namespace tsdb::net {
namespace {

TEST(Headers, CompareWithoutCaseAndKeepRepeats) {
  Headers headers;
  headers.Add("Accept", "a");
  headers.Add("ACCEPT", "b");
  EXPECT_EQ(headers.Get("accept"), "a");
  EXPECT_EQ(headers.entries().size(), 2U);
  headers.Set("accept", "c");
  EXPECT_EQ(headers.entries().size(), 1U);
  headers.Remove("AccepT");
  EXPECT_FALSE(headers.Has("accept"));
}

TEST(Parameters, DecodeInOrderAndKeepRepeats) {
  const Parameters form = Parameters::Parse("match[]=a%7B%7D&match%5B%5D=b+c&empty=&flag&&x=1=2");
  EXPECT_EQ(form.GetAll("match[]"), (std::vector<std::string_view>{"a{}", "b c"}));
  EXPECT_TRUE(form.Has("empty"));
  EXPECT_TRUE(form.Has("flag"));
  EXPECT_EQ(form.Get("x"), "1=2");
  EXPECT_EQ(form.entries().size(), 5U);
  EXPECT_EQ(form.error(), "");
}

TEST(Parameters, LeaveOutMalformedPairsAndTellOfTheFirst) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"a=%zz&b=1&c=%2", "invalid URL escape \"%zz\""},
      {"b=1&c=%20%2", "invalid URL escape \"%2\""},
      {"%=1&b=1&a=%z", "invalid URL escape \"%\""},
      {"a=1;c=2&b=1&a=%", "invalid semicolon separator in query"},
  };
  for (const auto& [text, error] : cases) {
    const Parameters form = Parameters::Parse(text);
    EXPECT_EQ(form.error(), error) << text;
    EXPECT_FALSE(form.Has("a")) << text;
    EXPECT_FALSE(form.Has("c")) << text;
    EXPECT_EQ(form.Get("b"), "1") << text;
  }
}

TEST(Parameters, ReadMultipartForms) {
  const std::string field = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1;2\r\n";
  const std::string file =
      "--x\r\ncontent-disposition: form-data; name=q; filename=\"f\"\r\n\r\nline\r\n\r\n";
  const std::string whole = field + file + "\r\n--x--\r\n";
  EXPECT_EQ(Parameters::ParseMultipart(whole, "x", false).entries().size(), 1U);
  const Parameters form = Parameters::ParseMultipart(whole, "x", true);
  EXPECT_EQ(form.Get("a"), "1;2");
  EXPECT_EQ(form.Get("q"), "line\r\n\r\n");
  EXPECT_TRUE(Parameters::ParseMultipart(whole, "y", true).entries().empty());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_LE(Parameters::ParseMultipart(whole.substr(0, size), "x", true).entries().size(), 2U);
  }
}

TEST(HttpRequest, FormPutsBodyBeforeUrl) {
  HttpRequest request;
  request.method = "POST";
  request.query = Parameters::Parse("q=url&only=1");
  request.body = "q=body";
  EXPECT_EQ(request.Form().Get("q"), "url");
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
  EXPECT_EQ(request.Form().Get("q"), "body");
  EXPECT_EQ(request.Form().Get("only"), "1");
  request.headers.Set("Content-Type", "multipart/form-data; boundary=\"b\"");
  request.body = "--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nbody\r\n--b--\r\n";
  EXPECT_EQ(request.Form().Get("q"), "url");
  request.query = {};
  EXPECT_EQ(request.Form().Get("q"), "body");
  request.method = "GET";
  EXPECT_FALSE(request.Form().Has("q"));
}

class RouterTest : public ::testing::Test {
 protected:
  void Add(std::string_view method, std::string_view pattern) {
    router_.Add(method, pattern, [](HttpRequest&) { return HttpResponse(); });
  }
  std::string Find(std::string_view method, std::string_view path) {
    const Router::Match match = router_.Find(method, path);
    if (match.handler == nullptr) {
      return std::to_string(match.status) + (match.allow.empty() ? "" : " " + match.allow);
    }
    std::string text(match.pattern);
    for (const std::string& parameter : match.parameters) text += " [" + parameter + "]";
    return text;
  }
  Router router_;
};

TEST_F(RouterTest, PrefersLiteralsAndFallsBackToParameters) {
  Add("GET", "/");
  Add("GET", "/a/{x}/c");
  Add("GET", "/a/b/d");
  Add("POST", "/a/{x}");
  Add("PUT", "/a/{x}");
  Add("GET", "/r/{rest...}");
  EXPECT_EQ(Find("GET", "/"), "/");
  EXPECT_EQ(Find("GET", "/a/b/d"), "/a/b/d");
  EXPECT_EQ(Find("GET", "/a/b/c"), "/a/{x}/c [b]");
  EXPECT_EQ(Find("HEAD", "/a/b/c"), "/a/{x}/c [b]");
  EXPECT_EQ(Find("POST", "/a/x%2Fy%20z"), "/a/{x} [x/y z]");
  EXPECT_EQ(Find("GET", "/a/x"), "405 POST, PUT");
  EXPECT_EQ(Find("GET", "/r/1/2%20/3"), "/r/{rest...} [1/2 /3]");
  EXPECT_EQ(Find("GET", "/r/"), "404");
  EXPECT_EQ(Find("GET", "/a//c"), "404");
  EXPECT_EQ(Find("GET", "/a/b/d/"), "404");
  EXPECT_EQ(Find("GET", "nothing"), "404");
}

std::string ZlibFormat(std::string_view text, int window) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Compression, ReadsGzipZlibRawDeflateAndSeveralMembers) {
  EXPECT_EQ(*Decompress("gzip", GzipCompress("abc") + GzipCompress("def"), 100), "abcdef");
  EXPECT_EQ(*Decompress("deflate", ZlibFormat("text", 15), 100), "text");
  EXPECT_EQ(*Decompress("Deflate", ZlibFormat("text", -15), 100), "text");
  EXPECT_EQ(*Decompress("", "as is", 100), "as is");
  EXPECT_EQ(Decompress("br", "x", 100).status().code(), StatusCode::kUnsupported);
}

TEST(Compression, RoundTripsSizesAroundItsBuffers) {
  for (const size_t size : {0U, 1U, 4095U, 4096U, 4097U, 100'000U, 1'000'000U}) {
    std::string text(size, '\0');
    uint32_t state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    EXPECT_EQ(*Decompress("gzip", GzipCompress(text), size), text) << size;
  }
}

TEST(Compression, RejectsEveryTruncationAndBoundsTheOutput) {
  const std::string whole = GzipCompress("some text that is compressed");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(Decompress("gzip", whole.substr(0, size), 100).status().code(),
              StatusCode::kInvalidArgument)
        << size;
  }
  const std::string bomb = GzipCompress(std::string(1'000'000, 'b'));
  EXPECT_EQ(Decompress("gzip", bomb, 999'999).status().code(), StatusCode::kOutOfRange);
  EXPECT_TRUE(Decompress("gzip", bomb, 1'000'000).ok());
}

TEST(Compression, StreamIsOneMember) {
  GzipStream stream;
  std::string out;
  stream.Append("first ", &out);
  stream.Append("", &out);
  stream.Append("second", &out);
  stream.Finish(&out);
  EXPECT_EQ(*Decompress("gzip", out, 100), "first second");
}

TEST(ResponseWriter, KeepsLineBreaksOutOfHeaders) {
  HttpResponse response = HttpResponse::Text(200, "");
  response.headers.Add("X-Error", "a\r\nSet-Cookie: b");
  const std::string head = WriteHead(response, Framing::kLength, 0, true, true);
  EXPECT_NE(head.find("X-Error: a  Set-Cookie: b\r\n"), std::string::npos);
}

TEST(ResponseWriter, WritesChunkSizesInHexadecimal) {
  std::string out;
  AppendChunkHead(26, &out);
  EXPECT_EQ(out, "1a\r\n");
}

TEST(RequestParser, ReadsAbsoluteTargets) {
  RequestParser parser(1000);
  size_t consumed = 0;
  const std::string head = "GET http://host:1/a/b?c=d HTTP/1.1\r\nHost: host\r\n\r\n";
  ASSERT_EQ(parser.FeedHead(head, &consumed), RequestParser::Outcome::kDone);
  EXPECT_EQ(consumed, head.size());
  HttpRequest request;
  parser.TakeHead(&request);
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query.Get("c"), "d");
  EXPECT_EQ(request.target, "http://host:1/a/b?c=d");
}

}  // namespace
}  // namespace tsdb::net
