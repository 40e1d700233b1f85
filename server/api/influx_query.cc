#include "server/api/influx_query.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "net/compression.h"
#include "query/influxql/parser.h"
#include "query/influxql/privileges.h"
#include "server/api/influx_common.h"
#include "server/api/influx_format.h"

namespace tsdb::server {
namespace {

using influxql::Statement;
using net::HttpRequest;
using net::HttpResponse;

constexpr size_t kMaxBodyBytes = 25'000'000;

std::string EscapeSemicolons(std::string_view text) {
  std::string out;
  for (const char c : text) c == ';' ? out.append("%3B") : out.append(1, c);
  return out;
}

// Unlike Go and Prometheus, we take a bare ';' for itself: it stands between statements. A file
// called "q" holds the query.
net::Parameters ParametersOf(HttpRequest& http) {
  const size_t question = http.target.find('?');
  if (question != std::string::npos && http.target.find(';') != std::string::npos) {
    http.query = net::Parameters::Parse(EscapeSemicolons(http.target.substr(question + 1)));
  }
  if (http.headers.Get("Content-Type").find("urlencoded") != std::string_view::npos &&
      http.body.find(';') != std::string::npos) {
    http.body = EscapeSemicolons(http.body);
  }
  return http.Form(/*with_files=*/true);
}

// Small answers too are compressed for whoever takes it, as InfluxDB does.
void Compress(const HttpRequest& http, HttpResponse* response) {
  if (http.headers.Get("Accept-Encoding").find("gzip") == std::string_view::npos) return;
  response->body = net::GzipCompress(response->body);
  response->headers.Set("Content-Encoding", "gzip");
  response->headers.Add("Vary", "Accept-Encoding");
}

// The same piece by piece, so that each can be read when it comes.
void CompressStream(const HttpRequest& http, HttpResponse* response) {
  if (http.headers.Get("Accept-Encoding").find("gzip") == std::string_view::npos) return;
  response->headers.Set("Content-Encoding", "gzip");
  response->headers.Add("Vary", "Accept-Encoding");
  response->stream = [next = std::move(response->stream),
                      gzip = std::make_shared<net::GzipStream>(),
                      ended = false](std::string* out) mutable {
    if (ended) return false;
    std::string piece;
    ended = !next(&piece);
    if (ended) {
      gzip->Finish(out);
    } else {
      gzip->Append(piece, out);
    }
    return true;
  };
}

// What one query needs while its answer is being sent.
struct Session {
  CancelToken cancel;
  std::optional<influxql::RunningQueries::Entry> entry;
  std::unique_ptr<influxql::QueryRun> run;
  std::unique_ptr<InfluxFormatter> formatter;
  bool ended = false;
};

class QueryHandler {
 public:
  QueryHandler(const InfluxQueryApi& api, HttpRequest& http)
      : api_(api), http_(http), form_(InfluxFormOf(http)), parameters_(ParametersOf(http)) {}

  HttpResponse Run() {
    InfluxIdentity identity;
    if (const auto refused = api_.auth->Identify(http_, &identity)) {
      return InfluxUnauthorized(http_, *refused);
    }
    const std::string_view query = TrimSpace(parameters_.Get("q"));
    if (query.empty()) return InfluxFailure(http_, 400, "missing required parameter \"q\"");
    influxql::BoundParameters bound;
    if (const std::string_view params = parameters_.Get("params"); !params.empty()) {
      Result<influxql::BoundParameters> parsed = influxql::ParseBoundParameters(params);
      if (!parsed.ok()) {
        return InfluxFailure(http_, 400, parsed.status().message());
      }
      bound = *std::move(parsed);
    }
    Result<std::vector<Statement>> statements = influxql::ParseQuery(query, bound);
    if (!statements.ok()) {
      return InfluxFailure(http_, 400, "error parsing query: " + statements.status().message());
    }
    if (const Status status = Authorize(identity, *statements); !status.ok()) {
      return InfluxFailure(http_, 403, "error authorizing query: " + status.message());
    }
    return Answer(identity, *std::move(statements));
  }

 private:
  Status Authorize(const InfluxIdentity& identity, const std::vector<Statement>& statements) const {
    if (identity.unrestricted) return Status::Ok();
    if (identity.anonymous) {
      const auto* create =
          statements.empty() ? nullptr : std::get_if<influxql::CreateUserStatement>(&statements[0]);
      // Whoever comes first from the machine itself may become the administrator.
      if (create != nullptr && create->admin && http_.remote_is_loopback) return Status::Ok();
      return PermissionDenied(api_.auth->has_users()
                                  ? "no user provided"
                                  : "create admin user first or disable authentication");
    }
    return influxql::AuthorizeStatements(
        statements, identity.name, parameters_.Get("db"),
        [&](influxql::Privilege privilege, std::string_view database) {
          return api_.auth->May(identity, privilege, database);
        });
  }

  static std::string TextOf(const std::vector<Statement>& statements) {
    std::string text;
    for (const Statement& statement : statements) {
      if (!text.empty()) text += ";\n";
      text += ToString(statement);
    }
    return text;
  }

  influxql::RequestOptions OptionsFor(const InfluxIdentity& identity, bool chunked) const {
    influxql::RequestOptions options;
    options.database = parameters_.Get("db");
    options.policy = parameters_.Get("rp");
    options.read_only = http_.method == "GET";
    options.streams = chunked;
    if (chunked) {
      const std::optional<int64_t> size = ParseInt64(parameters_.Get("chunk_size"));
      if (size.has_value() && *size > 0) options.chunk_size = static_cast<size_t>(*size);
    }
    if (!identity.unrestricted && !identity.anonymous) {
      options.may_see = [auth = api_.auth, identity](std::string_view database) {
        return auth->May(identity, influxql::Privilege::kRead, database) ||
               auth->May(identity, influxql::Privilege::kWrite, database);
      };
    }
    return options;
  }

  HttpResponse Answer(const InfluxIdentity& identity, std::vector<Statement> statements) {
    const bool chunked = parameters_.Get("chunked") == "true";
    auto session = std::make_shared<Session>();
    session->cancel.Follow(http_.cancel);
    session->entry.emplace(api_.services.running, TextOf(statements),
                           std::string(parameters_.Get("db")), api_.services.clock->MonotonicNs(),
                           &session->cancel);
    session->run = std::make_unique<influxql::QueryRun>(
        api_.services, std::move(statements), OptionsFor(identity, chunked), &session->cancel);
    session->formatter =
        InfluxFormatter::Create(form_, InfluxEpoch(TrimSpace(parameters_.Get("epoch"))), chunked);
    HttpResponse response;
    response.headers.Add("Content-Type", std::string(session->formatter->content_type()));
    if (parameters_.Get("async") == "true") {
      influxql::StatementResult result;
      while (session->run->Next(&result)) {
      }
      response.status = 204;
      return response;
    }
    if (chunked) {
      response.stream = [session](std::string* out) { return NextPiece(session.get(), out); };
      CompressStream(http_, &response);
      return response;
    }
    influxql::StatementResult result;
    while (session->run->Next(&result)) response.body += session->formatter->Add(result);
    response.body += session->formatter->Finish();
    Compress(http_, &response);
    return response;
  }

  static bool NextPiece(Session* session, std::string* out) {
    if (session->ended) return false;
    influxql::StatementResult result;
    session->ended = !session->run->Next(&result);
    out->append(session->ended ? session->formatter->Finish() : session->formatter->Add(result));
    return true;
  }

  const InfluxQueryApi& api_;
  HttpRequest& http_;
  InfluxForm form_;
  net::Parameters parameters_;
};

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

// What monitoring agents read of InfluxDB, as far as there is the like of it here.
HttpResponse DebugVars(const InfluxQueryApi& api, HttpRequest&) {
  std::string body;
  JsonWriter json(&body);
  json.BeginObject();
  for (const storage::Database& database : api.services.storage->catalog().List()) {
    json.Key("database:" + database.name).BeginObject().Key("name").String("database");
    json.Key("tags").BeginObject().Key("database").String(database.name).EndObject();
    json.Key("values").BeginObject().EndObject().EndObject();
  }
  json.Key("queryExecutor").BeginObject().Key("name").String("queryExecutor");
  json.Key("tags").BeginObject().EndObject();
  json.Key("values").BeginObject().Key("queriesActive");
  json.Int(static_cast<int64_t>(api.services.running->List().size())).EndObject().EndObject();
  json.EndObject();
  HttpResponse response = HttpResponse::Json(200, body + "\n");
  response.headers.Set("Content-Type", "application/json; charset=utf-8");
  return response;
}

}  // namespace

void AddInfluxQueryRoutes(const InfluxQueryApi* api, net::Router* router) {
  for (const char* method : {"GET", "POST"}) {
    router->Add(method, "/query",
                [api](HttpRequest& request) { return QueryHandler(*api, request).Run(); },
                {.pool = net::Pool::kQuery, .max_body_bytes = kMaxBodyBytes});
  }
  router->Add("OPTIONS", "/query", [](HttpRequest&) { return HttpResponse(); },
              {.pool = net::Pool::kAdmin});
  for (const char* method : {"GET", "HEAD"}) {
    router->Add(method, "/ping", &NoContent, {.pool = net::Pool::kAdmin});
    router->Add(method, "/status", &NoContent, {.pool = net::Pool::kAdmin});
  }
  router->Add("GET", "/health", &Health, {.pool = net::Pool::kAdmin});
  router->Add("GET", "/debug/vars",
              [api](HttpRequest& request) { return DebugVars(*api, request); },
              {.pool = net::Pool::kAdmin});
}

}  // namespace tsdb::server
