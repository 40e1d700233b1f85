#include "server/front_door.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace tsdb::server {
namespace {

// What stands in place of the handler's answer, as "status location".
std::string Before(FrontDoor* door, const char* method, const char* target, const char* path) {
  net::HttpRequest request;
  request.method = method;
  request.target = target;
  request.path = path;
  const auto response = door->Before(request);
  if (response == nullptr) return "";
  return std::to_string(response->status) + " " + std::string(response->headers.Get("Location"));
}

TEST(FrontDoor, RedirectsToTheCleanPathBelowTheRoutePrefix) {
  FrontDoor::Options options;
  options.route_prefix = "/prom";
  const auto door = FrontDoor::Create(std::move(options));
  ASSERT_TRUE(door.ok());
  const struct {
    const char* target;
    const char* path;  // without the prefix, if it is there
    const char* want;
  } cases[] = {
      {"/prom/api/v1/query?a=//b", "/api/v1/query", ""},
      {"/prom", "/", "301 /prom/"},
      {"/prom?a=b", "/", "301 /prom/?a=b"},
      {"/prom/", "/", ""},
      {"/prom//api/v1/query?a=//b", "//api/v1/query", "307 /prom/api/v1/query?a=//b"},
      {"/prom/../prom/a", "/../prom/a", "307 /prom/a"},
      {"//prom/a/.", "//prom/a/.", "307 /prom/a"},
      {"http://host:1/prom//a", "//a", "307 /prom/a"},
      {"/prom/api/v1", "/api/v1", "307 /prom/api/v1/"},
      {"/prom/a//\xfc", "/a//\xfc", "307 /prom/a/%FC"},
      {"/prom//write", "//write", ""},  // InfluxDB's, which has no such redirect
      {"//evil.example/..", "//evil.example/..", "307 /"},
      {"/", "/", "302 /prom"},
      {"/?a=b", "/", "302 /prom"},
      {"*", "*", "400 "},
  };
  for (const auto& [target, path, want] : cases) {
    EXPECT_EQ(Before(door->get(), "GET", target, path), want) << target;
  }
}

// What becomes of "not found", as "status location".
std::string After(FrontDoor* door, const char* method, const char* target) {
  net::HttpRequest request;
  request.method = method;
  request.path = request.target = target;
  net::HttpResponse response = net::HttpResponse::Text(404, "404 page not found\n");
  door->After(request, &response);
  return std::to_string(response.status) + " " + std::string(response.headers.Get("Location"));
}

// Prometheus sends these on to /status, a page of its interface.
TEST(FrontDoor, KnowsNoOtherSpellingOfStatus) {
  const auto door = FrontDoor::Create({});
  ASSERT_TRUE(door.ok());
  EXPECT_EQ(After(door->get(), "GET", "/status/"), "404 ");
  EXPECT_EQ(After(door->get(), "GET", "/STATUS"), "404 ");
}

TEST(FrontDoor, SendsOtherSpellingsOfPrometheusPathsOn) {
  for (const std::string prefix : {"", "/prom"}) {
    FrontDoor::Options options;
    options.route_prefix = prefix;
    const auto door = FrontDoor::Create(std::move(options));
    ASSERT_TRUE(door.ok());
    const struct {
      const char* method;
      const char* target;
      const char* status;
      const char* location;  // null: none
    } cases[] = {
        {"GET", "/metrics/", "301", "/metrics"},
        {"GET", "/METRICS?a=b", "301", "/metrics?a=b"},
        {"GET", "/Graph/?g0.expr=up&x=%20", "301", "/graph?g0.expr=up&x=%20"},
        {"GET", "/federat%45/", "301", "/federate"},
        {"GET", "/-/Healthy", "301", "/-/healthy"},
        {"HEAD", "/-/ready/", "307", "/-/ready"},
        {"POST", "/-/RELOAD", "307", "/-/reload"},
        {"PUT", "/-/quit/", "307", "/-/quit"},
        {"POST", "/metrics/", "404", nullptr},
        {"DELETE", "/version/", "404", nullptr},
        {"GET", "/metrics", "404", nullptr},  // it is that spelling
        {"GET", "/metrics/x", "404", nullptr},
        {"GET", "/metrics%zz", "404", nullptr},
        {"GET", "/api/v1/query/", "404", nullptr},
    };
    for (const auto& [method, target, status, location] : cases) {
      std::string want = std::string(status) + " ";
      if (location != nullptr) want += prefix + location;
      EXPECT_EQ(After(door->get(), method, (prefix + target).c_str()), want) << target;
    }
  }
  FrontDoor::Options options;
  options.route_prefix = "/prom";
  const auto door = FrontDoor::Create(std::move(options));
  ASSERT_TRUE(door.ok());
  EXPECT_EQ(After(door->get(), "GET", "/PROM"), "301 /prom/");
  EXPECT_EQ(After(door->get(), "GET", "/Prom/Metrics"), "301 /prom/metrics");
  EXPECT_EQ(After(door->get(), "GET", "/metrics/"), "404 ");
  EXPECT_EQ(Before(door->get(), "POST", "/prom", "/"), "404 ");
  EXPECT_EQ(Before(door->get(), "POST", "/", "/"), "405 ");
}

TEST(FrontDoor, AnswersOptionsWhereTheApiIs) {
  FrontDoor::Options options;
  options.route_prefix = "/prom";
  const auto door = FrontDoor::Create(std::move(options));
  ASSERT_TRUE(door.ok());
  EXPECT_EQ(Before(door->get(), "OPTIONS", "/prom/api/v1/x", "/api/v1/x"), "204 ");
  EXPECT_EQ(Before(door->get(), "OPTIONS", "/api/v1/x", "/api/v1/x"), "");
  EXPECT_EQ(Before(door->get(), "OPTIONS", "*", "*"), "200 ");
}

TEST(FrontDoor, HealthAndPreflightNeedNoUser) {
  FrontDoor::Options options;  // the password is "test"
  options.users = {{"admin", "$2b$04$abcdefghijklmnopqrstuuoD8yw7MmybLKVooaTGGZAt3HXugv2.a"}};
  const auto door = FrontDoor::Create(std::move(options));
  ASSERT_TRUE(door.ok());
  const char* query = "/api/v1/query";
  EXPECT_EQ(Before(door->get(), "GET", query, query), "401 ");
  EXPECT_EQ(Before(door->get(), "GET", "//-/healthy", "//-/healthy"), "401 ");
  EXPECT_EQ(Before(door->get(), "OPTIONS", query, query), "204 ");
  EXPECT_EQ(Before(door->get(), "GET", "/-/healthy", "/-/healthy"), "");
  EXPECT_EQ(Before(door->get(), "GET", "/-/ready", "/-/ready"), "");
  net::HttpRequest request;
  request.method = "GET";
  request.target = request.path = query;
  request.headers.Set("Authorization", "Basic YWRtaW46dGVzdA==");
  EXPECT_EQ((*door)->Before(request), nullptr);
  EXPECT_EQ(request.user, "admin");
}

}  // namespace
}  // namespace tsdb::server
