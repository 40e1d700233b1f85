#include "net/request_parser.h"

#include <algorithm>
#include <limits>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/check.h"
#include "base/text.h"

namespace tsdb::net {
namespace {

namespace http = boost::beast::http;

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

// The path and query of a request target in origin form ("/a?b"), absolute form ("http://host/a?b")
// or "*", or of CONNECT, whose authority ("host:1") mostly has neither. nullopt for anything else.
std::optional<std::string_view> OriginForm(std::string_view method, std::string_view target) {
  if (target.starts_with('/') || target == "*") return target;
  if (method == "CONNECT") {
    return target.substr(std::min(target.find_first_of("/?"), target.size()));
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() ||
        !EqualsIgnoreCase(target.substr(0, scheme.size()), scheme)) {
      continue;
    }
    const size_t slash = target.find('/', scheme.size());
    return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return std::nullopt;
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(size_t limit) : max_header_bytes(limit) {}
  size_t max_header_bytes;
  std::optional<http::request_parser<http::string_body>> parser;
  bool body_started = false;
};

RequestParser::RequestParser(size_t max_header_bytes)
    : impl_(std::make_unique<Impl>(max_header_bytes)) {
  Reset();
}
RequestParser::~RequestParser() = default;

void RequestParser::Reset() {
  impl_->parser.emplace();
  impl_->parser->header_limit(static_cast<std::uint32_t>(
      std::min<size_t>(impl_->max_header_bytes, std::numeric_limits<std::uint32_t>::max())));
  // The limit of a body depends on its route, which the head tells.
  impl_->parser->body_limit(boost::none);
  impl_->parser->eager(false);
  impl_->body_started = false;
  error_status_ = 0;
  error_message_.clear();
}

RequestParser::Outcome RequestParser::Fail(int status, std::string message) {
  error_status_ = status;
  error_message_ = std::move(message);
  return Outcome::kError;
}

RequestParser::Outcome RequestParser::FeedHead(std::string_view bytes, size_t* consumed) {
  auto& parser = *impl_->parser;
  *consumed = 0;
  if (bytes.empty()) return Outcome::kNeedMore;
  boost::system::error_code error;
  *consumed = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::need_more) return Outcome::kNeedMore;
  if (error == http::error::header_limit) {
    return Fail(431, "request header fields are larger than " +
                         std::to_string(impl_->max_header_bytes) + " bytes");
  }
  if (error == http::error::bad_version) return Fail(505, "HTTP version is not supported");
  if (error == http::error::bad_transfer_encoding) {
    return Fail(400, "Transfer-Encoding contradicts Content-Length or is malformed");
  }
  if (error) return Fail(400, "malformed request: " + error.message());
  if (!parser.is_header_done()) return Outcome::kNeedMore;

  const auto& message = parser.get();
  const std::string_view target = View(message.target());
  const std::optional<std::string_view> origin = OriginForm(View(message.method_string()), target);
  if (!origin.has_value() ||
      !PercentDecode(origin->substr(0, origin->find('?')), /*plus_is_space=*/false).has_value()) {
    return Fail(400, "malformed request target");
  }
  if (message.version() >= 11 && message.count(http::field::host) != 1) {
    return Fail(400, "an HTTP/1.1 request needs exactly one Host header");
  }
  if (message.count(http::field::transfer_encoding) != 0 && !parser.chunked()) {
    return Fail(501, "only the transfer encoding \"chunked\" is supported");
  }
  if (message.count(http::field::expect) != 0 && !expects_continue()) {
    return Fail(417, "only the expectation \"100-continue\" is supported");
  }
  return Outcome::kDone;
}

void RequestParser::TakeHead(HttpRequest* request) {
  auto& message = impl_->parser->get();
  request->method = std::string(View(message.method_string()));
  request->target = std::string(View(message.target()));
  const std::string_view origin = OriginForm(request->method, request->target).value_or("/");
  const size_t question = origin.find('?');
  request->path = std::string(origin.substr(0, question));
  if (question != std::string_view::npos) {
    request->query = Parameters::Parse(origin.substr(question + 1));
  }
  for (const auto& field : message) {
    request->headers.Add(std::string(View(field.name_string())), std::string(View(field.value())));
  }
}

bool RequestParser::chunked() const { return impl_->parser->chunked(); }

std::optional<uint64_t> RequestParser::content_length() const {
  if (const auto length = impl_->parser->content_length()) return *length;
  return std::nullopt;
}

bool RequestParser::keep_alive() const { return impl_->parser->get().keep_alive(); }
bool RequestParser::is_http11() const { return impl_->parser->get().version() >= 11; }
bool RequestParser::expects_continue() const {
  return is_http11() &&
         EqualsIgnoreCase(View(impl_->parser->get()[http::field::expect]), "100-continue");
}

RequestParser::Outcome RequestParser::FeedBody(std::string_view bytes, size_t max_bytes,
                                               size_t* consumed) {
  auto& parser = *impl_->parser;
  DCHECK(parser.chunked());
  if (!impl_->body_started) {
    parser.body_limit(max_bytes);
    parser.eager(true);
    impl_->body_started = true;
  }
  *consumed = 0;
  while (!parser.is_done() && *consumed < bytes.size()) {
    boost::system::error_code error;
    const size_t used = parser.put(
        boost::asio::const_buffer(bytes.data() + *consumed, bytes.size() - *consumed), error);
    *consumed += used;
    if (error == http::error::need_more) return Outcome::kNeedMore;
    if (error == http::error::body_limit) {
      return Fail(413, "request body is larger than " + std::to_string(max_bytes) + " bytes");
    }
    if (error) return Fail(400, "malformed request body: " + error.message());
  }
  return parser.is_done() ? Outcome::kDone : Outcome::kNeedMore;
}

size_t RequestParser::body_size() const { return impl_->parser->get().body().size(); }
std::string RequestParser::TakeBody() { return std::move(impl_->parser->get().body()); }

}  // namespace tsdb::net
