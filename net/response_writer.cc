#include "net/response_writer.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "base/number.h"

namespace tsdb::net {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr std::array kPhrases = std::to_array<Phrase>({
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Request Entity Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

// The Date header's value, made once a second for each thread.
std::string_view HttpDate() {
  thread_local std::time_t last = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != last) {
    static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    gmtime_r(&now, &utc);
    char buffer[64];
    std::snprintf(buffer, sizeof(buffer), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  kDays[static_cast<size_t>(utc.tm_wday)], utc.tm_mday,
                  kMonths[static_cast<size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                  utc.tm_min, utc.tm_sec);
    text = buffer;
    last = now;
  }
  return text;
}

void AppendClean(std::string_view text, std::string* out) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) {
    out->append(text);
    return;
  }
  for (const char c : text) out->push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
}

void AppendHeader(std::string_view name, std::string_view value, std::string* out) {
  AppendClean(name, out);
  out->append(": ");
  AppendClean(value, out);
  out->append("\r\n");
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return {};
}

bool IsBodyless(int status) { return status < 200 || status == 204 || status == 304; }

bool IsCompressible(const HttpResponse& response) {
  if (!response.allow_compression || IsBodyless(response.status)) return false;
  if (response.headers.Has("Content-Encoding")) return false;
  const std::string_view type = response.headers.Get("Content-Type");
  for (const std::string_view packed :
       {"image/png", "image/jpeg", "application/gzip", "font/woff2"}) {
    if (type.starts_with(packed)) return false;
  }
  return true;
}

std::string WriteHead(const HttpResponse& response, Framing framing, size_t body_size,
                      bool keep_alive, bool is_http11) {
  std::string out;
  out.reserve(256);
  out.append(is_http11 ? "HTTP/1.1 " : "HTTP/1.0 ");
  AppendInt(&out, response.status);
  out.push_back(' ');
  out.append(ReasonPhrase(response.status));
  out.append("\r\n");
  for (const auto& [name, value] : response.headers.entries()) AppendHeader(name, value, &out);
  AppendHeader("Date", HttpDate(), &out);
  if (framing == Framing::kLength) {
    out.append("Content-Length: ");
    AppendUint(&out, body_size);
    out.append("\r\n");
  } else if (framing == Framing::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (!keep_alive) {
    out.append("Connection: close\r\n");
  } else if (!is_http11) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  return out;
}

void AppendChunkHead(size_t size, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char digits[16];
  size_t count = 0;
  for (; size != 0; size >>= 4) digits[count++] = kDigits[size & 15];
  while (count > 0) out->push_back(digits[--count]);
  out->append("\r\n");
}

}  // namespace tsdb::net
