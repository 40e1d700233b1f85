#include "server/api/influx_query.h"

#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "server/api/influx_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

// The words of one statement; a quoted identifier is one word without its quotes.
struct Word {
  std::string text;
  bool quoted = false;
};

// The statements of a query, divided at semicolons outside quotes.
Result<std::vector<std::vector<Word>>> SplitStatements(std::string_view query) {
  std::vector<std::vector<Word>> statements(1);
  size_t at = 0;
  while (at < query.size()) {
    const char c = query[at];
    if (c == ';') {
      statements.emplace_back();
      ++at;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
    } else if (c == '"') {
      Word word{.text = "", .quoted = true};
      for (++at; at < query.size() && query[at] != '"'; ++at) {
        if (query[at] == '\\' && at + 1 < query.size()) ++at;
        word.text.push_back(query[at]);
      }
      if (at == query.size())
        return InvalidArgument("error parsing query: unterminated identifier");
      ++at;
      statements.back().push_back(std::move(word));
    } else {
      const size_t end = std::min(query.find_first_of(" \t\r\n;\"", at), query.size());
      statements.back().push_back({.text = std::string(query.substr(at, end - at))});
      at = end;
    }
  }
  std::erase_if(statements, [](const std::vector<Word>& words) { return words.empty(); });
  return statements;
}

bool Begins(const std::vector<Word>& words, std::string_view first, std::string_view second) {
  return words.size() >= 2 && !words[0].quoted && EqualsIgnoreCase(words[0].text, first) &&
         !words[1].quoted && EqualsIgnoreCase(words[1].text, second);
}

void ShowDatabases(const storage::Catalog& catalog, JsonWriter* json) {
  json->Key("series").BeginArray().BeginObject();
  json->Key("name").String("databases");
  json->Key("columns").BeginArray().String("name").EndArray();
  const std::vector<storage::Database> databases = catalog.List();
  if (!databases.empty()) {
    json->Key("values").BeginArray();
    for (const storage::Database& database : databases) {
      json->BeginArray().String(database.name).EndArray();
    }
    json->EndArray();
  }
  json->EndObject().EndArray();
}

// Writes the statement's result; false when it is none of those known here.
bool RunStatement(const std::vector<Word>& words, storage::Catalog* catalog, JsonWriter* json) {
  Status status;
  if (Begins(words, "SHOW", "DATABASES") && words.size() == 2) {
    ShowDatabases(*catalog, json);
  } else if (Begins(words, "CREATE", "DATABASE") && words.size() == 3) {
    status = catalog->CreateDatabase(words[2].text, nullptr);
  } else if (Begins(words, "DROP", "DATABASE") && words.size() == 3) {
    status = catalog->DropDatabase(words[2].text);
  } else {
    return false;
  }
  if (!status.ok()) json->Key("error").String(status.message());
  return true;
}

HttpResponse Query(const InfluxQueryApi& api, HttpRequest& http) {
  const net::Parameters form = http.Form();
  const std::string_view query = form.Get("q");
  if (query.empty()) return InfluxFailure(400, "missing required parameter \"q\"");
  const auto statements = SplitStatements(query);
  if (!statements.ok()) return InfluxFailure(400, statements.status().message());
  std::string body;
  JsonWriter json(&body);
  json.BeginObject().Key("results").BeginArray();
  int64_t id = 0;
  for (const std::vector<Word>& words : *statements) {
    json.BeginObject().Key("statement_id").Int(id++);
    if (!RunStatement(words, api.catalog, &json)) {
      return InfluxFailure(400, "error parsing query: " + words[0].text +
                                    " statements of this form are not supported");
    }
    json.EndObject();
  }
  json.EndArray().EndObject();
  body.push_back('\n');
  return HttpResponse::Json(200, std::move(body));
}

HttpResponse NoContent(HttpRequest&) {
  HttpResponse response;
  response.status = 204;
  response.headers.Add("Content-Type", "application/json");
  return response;
}

HttpResponse Health(HttpRequest&) {
  return HttpResponse::Json(
      200,
      "{\"checks\":[],\"message\":\"ready for queries and writes\",\"name\":\"influxdb\","
      "\"status\":\"pass\",\"version\":\"" +
          std::string(kInfluxVersion) + "\"}");
}

}  // namespace

void AddInfluxQueryRoutes(const InfluxQueryApi& api, net::Router* router) {
  for (const char* method : {"GET", "POST"}) {
    router->Add(method, "/query", [api](HttpRequest& request) { return Query(api, request); },
                {.pool = net::Pool::kQuery, .max_body_bytes = 25'000'000});
  }
  router->Add("OPTIONS", "/query", [](HttpRequest&) { return HttpResponse(); },
              {.pool = net::Pool::kAdmin});
  for (const char* method : {"GET", "HEAD"}) {
    router->Add(method, "/ping", &NoContent, {.pool = net::Pool::kAdmin});
    router->Add(method, "/status", &NoContent, {.pool = net::Pool::kAdmin});
  }
  router->Add("GET", "/health", &Health, {.pool = net::Pool::kAdmin});
}

}  // namespace tsdb::server
