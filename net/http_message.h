// What a handler sees of HTTP: a request with its whole, decompressed body, and a response that is
// a string or a stream. No Asio or Beast in here. Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/text.h"

namespace tsdb::net {

// Header names compare without case; order and repeats are kept.
class Headers {
 public:
  using Entry = std::pair<std::string, std::string>;
  void Add(std::string name, std::string value) {
    entries_.emplace_back(std::move(name), std::move(value));
  }
  void Set(std::string_view name, std::string value);  // replaces every entry of that name
  void Remove(std::string_view name);
  std::string_view Get(std::string_view name) const;  // the first; empty when absent
  bool Has(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// Decoded parameters in the order sent; names may repeat ("match[]").
class Parameters {
 public:
  // application/x-www-form-urlencoded text, such as a query string. A pair with a malformed escape
  // or a bare ';' is left out, as Go does, and error() tells of the first.
  static Parameters Parse(std::string_view text);
  // multipart/form-data with the boundary `boundary`: its fields, and the contents of its files
  // when asked for, up to where it is malformed.
  static Parameters ParseMultipart(std::string_view body, std::string_view boundary,
                                   bool with_files);
  void Append(const Parameters& other);
  void Add(std::string name, std::string value) {
    entries_.emplace_back(std::move(name), std::move(value));
  }
  bool Has(std::string_view name) const;
  std::string_view Get(std::string_view name) const;  // the first; empty when absent
  std::vector<std::string_view> GetAll(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }
  // In Go's words: 'invalid URL escape "%"'; empty when nothing was left out.
  const std::string& error() const { return error_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
  std::string error_;
};

struct HttpRequest {
  std::string method;  // as sent: "get" is not "GET"
  std::string target;  // as sent: path?query
  std::string path;    // percent-encoded as sent, without the query; the route prefix removed
  Parameters query;    // of the URL
  Headers headers;
  std::string body;            // decompressed as the route asks (RouteOptions::decompress)
  std::string remote_address;  // "127.0.0.1:4711"
  bool remote_is_loopback = false;
  bool is_tls = false;
  std::vector<std::string> path_parameters;  // what the route's {...} parts matched, decoded
  std::string user;                          // who is asking, set by authentication; empty: nobody
  // Cancelled when the client goes away. Never null in a handler; lives until the handler has
  // returned and a streamed body is finished.
  const CancelToken* cancel = nullptr;

  // URL parameters and, for a form body, those of the body; the body's first, but those of
  // multipart/form-data last, as Go's Request.Form.
  Parameters Form(bool with_files = false) const;
};

// Appends the next piece of a body to `out`, which may hold earlier ones; false when there was none
// and the body has ended. What it throws breaks the answer off.
using BodyStream = std::function<bool(std::string* out)>;

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
  // When set, the body is made piece by piece on the handler's pool and sent chunked. `body`, if
  // any, is sent first.
  BodyStream stream;
  bool allow_compression = true;  // gzip when the client accepts it and the body is worth it
  bool close_connection = false;

  static HttpResponse Text(int status, std::string text);  // text/plain; charset=utf-8
  static HttpResponse Json(int status, std::string json);  // application/json
};

using HttpHandler = std::function<HttpResponse(HttpRequest&)>;

}  // namespace tsdb::net
