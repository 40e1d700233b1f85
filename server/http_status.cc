#include "server/http_status.h"

#include <array>

namespace tsdb::server {
namespace {

struct Row {
  StatusCode code;
  int http_status;
  PromError prom;
};

// Clients of Prometheus read bodies of 400, 422 and 503 only, so the last column keeps to those
// where it can.
constexpr std::array kRows = std::to_array<Row>({
    {StatusCode::kOk, 200, {"", 200}},
    {StatusCode::kInvalidArgument, 400, {"bad_data", 400}},
    {StatusCode::kNotFound, 404, {"not_found", 404}},
    {StatusCode::kAlreadyExists, 409, {"bad_data", 400}},
    {StatusCode::kFailedPrecondition, 422, {"execution", 422}},
    {StatusCode::kOutOfRange, 400, {"bad_data", 400}},
    {StatusCode::kResourceExhausted, 429, {"execution", 422}},
    {StatusCode::kUnauthenticated, 401, {"unauthorized", 401}},
    {StatusCode::kPermissionDenied, 403, {"forbidden", 403}},
    {StatusCode::kUnsupported, 415, {"not_acceptable", 406}},
    {StatusCode::kCancelled, 499, {"canceled", 499}},
    {StatusCode::kDeadlineExceeded, 503, {"timeout", 503}},
    {StatusCode::kUnavailable, 503, {"unavailable", 503}},
    {StatusCode::kDataLoss, 500, {"internal", 500}},
    {StatusCode::kInternal, 500, {"internal", 500}},
});

const Row& Find(StatusCode code) {
  for (const Row& row : kRows) {
    if (row.code == code) return row;
  }
  return kRows.back();
}

}  // namespace

int HttpStatusOf(StatusCode code) { return Find(code).http_status; }
PromError PromErrorOf(StatusCode code) { return Find(code).prom; }

}  // namespace tsdb::server
