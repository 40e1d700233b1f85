// A blocking socket client for tests that says exactly the bytes it is told to. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tsdb::net {

struct RawAnswer {
  int status = 0;
  std::string head;  // status line and headers, as sent
  std::string body;  // without chunk framing; compressed as sent

  bool HasHeader(std::string_view line) const;  // "Name: value", without case
};

class RawClient {
 public:
  // `address` is "127.0.0.1:port". Fails the test when it cannot connect.
  explicit RawClient(const std::string& address, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the peer has closed.
  bool Send(std::string_view bytes);
  // One answer; `to_head` says that it has no body. Status 0 when the peer closed before its end.
  RawAnswer Receive(bool to_head = false);
  // Everything until the peer closes, at most 5 s.
  std::string ReceiveAll();
  // The peer closes within `timeout_ms` and sends nothing before.
  bool IsClosedWithin(int timeout_ms);
  void Close();
  int fd() const { return fd_; }

 private:
  bool Fill(int timeout_ms = 5000);
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace tsdb::net
