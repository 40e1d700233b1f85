#include "net/exchange.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace tsdb::net {
namespace {

// Small bodies ride in the same buffer as the head.
constexpr size_t kJoinBytes = 16 << 10;

HttpResponse BodyError(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOutOfRange:
      return HttpResponse::Text(413, status.message() + "\n");
    case StatusCode::kUnsupported:
      return HttpResponse::Text(415, status.message() + "\n");
    default:
      return HttpResponse::Text(400, status.message() + "\n");
  }
}

bool VariesByEncoding(const HttpResponse& response) {
  return std::any_of(response.headers.entries().begin(), response.headers.entries().end(),
                     [](const Headers::Entry& entry) {
                       return EqualsIgnoreCase(entry.first, "Vary") &&
                              EqualsIgnoreCase(entry.second, "Accept-Encoding");
                     });
}

HttpResponse NotRouted(const Router::Match& match) {
  if (match.status == 405) {
    HttpResponse response = HttpResponse::Text(405, "Method Not Allowed\n");
    response.headers.Add("Allow", match.allow);
    return response;
  }
  return HttpResponse::Text(404, "404 page not found\n");
}

}  // namespace

HttpResponse Exchange::Answer() {
  try {
    if (context_->filter != nullptr && *context_->filter != nullptr) {
      if (std::unique_ptr<HttpResponse> instead = (*context_->filter)(request)) {
        return std::move(*instead);
      }
    }
    if (match.handler == nullptr) return NotRouted(match);
    if (match.options->decompress && !request.body.empty()) {
      const std::string_view encoding = request.headers.Get("Content-Encoding");
      if (!encoding.empty() && !EqualsIgnoreCase(encoding, "identity")) {
        Result<std::string> plain =
            Decompress(encoding, request.body, match.options->max_body_bytes);
        if (!plain.ok()) return BodyError(plain.status());
        request.body = *std::move(plain);
      }
    }
    request.path_parameters = std::move(match.parameters);
    return (*match.handler)(request);
  } catch (const std::exception& exception) {
    LogError("BUG: a handler threw", {{"path", request.path}, {"reason", exception.what()}});
  } catch (...) {
    LogError("BUG: a handler threw", {{"path", request.path}});
  }
  return HttpResponse::Text(500, "internal server error\n");
}

void Exchange::Begin() { Finish(Answer()); }

void Exchange::Refuse(HttpResponse response) { Finish(std::move(response)); }

void Exchange::Finish(HttpResponse response) {
  duration_ns_ = Clock::Real().MonotonicNs() - start_ns;
  if (context_->observer != nullptr && *context_->observer != nullptr) {
    try {
      (*context_->observer)(request, response, duration_ns_);
    } catch (const std::exception& exception) {
      LogError("BUG: the observer of requests threw", {{"reason", exception.what()}});
    }
  }
  status_ = response.status;
  if (response.close_connection) keep_alive = false;
  const bool head_only = request.method == "HEAD";
  if (IsBodyless(response.status)) {
    head = WriteHead(response, Framing::kNone, 0, keep_alive, is_http11);
    return;
  }
  std::string raw = std::move(response.body);
  bool ended = true;
  if (response.stream && !head_only) {
    stream_ = std::move(response.stream);
    ended = PullStream(&raw);
    if (broken_) {  // nothing is sent yet, so it can still be an error
      stream_ = nullptr;
      broken_ = false;
      response = HttpResponse::Text(500, "internal server error\n");
      raw = std::move(response.body);
      status_ = 500;
      ended = true;
    }
  }
  const bool worth = raw.size() >= kMinCompressBytes || !ended;
  const bool compressible = worth && IsCompressible(response);
  if (compressible && !VariesByEncoding(response)) response.headers.Add("Vary", "Accept-Encoding");
  const bool gzip = compressible && AcceptsGzip(request.headers.Get("Accept-Encoding"));
  if (gzip) response.headers.Add("Content-Encoding", "gzip");
  if (!ended || (head_only && response.stream)) {
    framing_ = is_http11 ? Framing::kChunked : Framing::kUntilClose;
    if (!is_http11) keep_alive = false;
    head = WriteHead(response, framing_, 0, keep_alive, is_http11);
    if (head_only) return;
    if (gzip) gzip_ = std::make_unique<GzipStream>();
    FrameStream(std::move(raw), ended);
    more_ = true;
    return;
  }
  if (gzip) raw = GzipCompress(raw);
  head = WriteHead(response, Framing::kLength, raw.size(), keep_alive, is_http11);
  if (head_only) return;
  if (raw.size() <= kJoinBytes) {
    head += raw;
  } else {
    body = std::move(raw);
  }
}

// Appends pieces until there is enough to send; true at the end of the stream.
bool Exchange::PullStream(std::string* raw) {
  try {
    while (raw->size() < kStreamBytes) {
      if (!stream_(raw)) return true;
    }
    return false;
  } catch (const std::exception& exception) {
    LogError("BUG: a streamed answer threw",
             {{"path", request.path}, {"reason", exception.what()}});
    broken_ = true;
    return true;
  }
}

// Puts the next part of the body behind what is in `head`.
void Exchange::FrameStream(std::string raw, bool ended) {
  if (gzip_ != nullptr) {
    std::string packed;
    gzip_->Append(raw, &packed);
    if (ended) gzip_->Finish(&packed);
    raw = std::move(packed);
  }
  if (framing_ == Framing::kChunked) {
    if (!raw.empty()) {
      AppendChunkHead(raw.size(), &head);
      raw.append(kChunkTail);
    }
    if (ended) raw.append(kLastChunk);
  }
  body = std::move(raw);
}

void Exchange::Continue() {
  std::string raw = std::move(body);  // empty, with the memory of the part before
  raw.clear();
  const bool ended = PullStream(&raw);
  if (broken_) {
    more_ = false;
    return;
  }
  FrameStream(std::move(raw), ended);
  more_ = !ended;
  if (ended) stream_ = nullptr;
}

}  // namespace tsdb::net
