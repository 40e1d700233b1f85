#include "tests/net/raw_client.h"

#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "gtest/gtest.h"

namespace tsdb::net {

bool RawAnswer::HasHeader(std::string_view line) const {
  return ToLower(head).find("\r\n" + ToLower(line) + "\r\n") != std::string::npos;
}

RawClient::RawClient(const std::string& address, int receive_buffer_bytes) {
  fd_ = socket(AF_INET, SOCK_STREAM, 0);
  if (receive_buffer_bytes > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1)));
  EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
}

RawClient::~RawClient() { Close(); }

void RawClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

bool RawClient::Fill(int timeout_ms) {
  pollfd poller{fd_, POLLIN, 0};
  if (poll(&poller, 1, timeout_ms) <= 0) return false;
  char bytes[65536];
  const ssize_t count = recv(fd_, bytes, sizeof(bytes), 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

RawAnswer RawClient::Receive(bool to_head) {
  RawAnswer answer;
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return answer;
  }
  answer.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  const std::string lower = ToLower(answer.head);
  const int status = std::atoi(answer.head.c_str() + 9);
  if (to_head || status < 200 || status == 204 || status == 304) {
    answer.status = status;
    return answer;
  }
  if (lower.find("transfer-encoding: chunked") != std::string::npos) {
    for (;;) {
      size_t line = 0;
      while ((line = buffer_.find("\r\n")) == std::string::npos) {
        if (!Fill()) return answer;
      }
      const size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2) {
        if (!Fill()) return answer;
      }
      answer.body += buffer_.substr(line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) break;
    }
  } else if (const size_t at = lower.find("content-length: "); at != std::string::npos) {
    const size_t size = std::strtoul(lower.c_str() + at + 16, nullptr, 10);
    while (buffer_.size() < size) {
      if (!Fill()) return answer;
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else {
    while (Fill()) {
    }
    answer.body = std::move(buffer_);
    buffer_.clear();
  }
  answer.status = status;
  return answer;
}

std::string RawClient::ReceiveAll() {
  while (Fill()) {
  }
  return std::move(buffer_);
}

bool RawClient::IsClosedWithin(int timeout_ms) {
  pollfd poller{fd_, POLLIN, 0};
  if (poll(&poller, 1, timeout_ms) <= 0) return false;
  char byte = 0;
  return recv(fd_, &byte, 1, MSG_PEEK) <= 0;
}

}  // namespace tsdb::net
