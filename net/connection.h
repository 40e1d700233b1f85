// Conversation over one accepted TCP connection, with or without TLS. Asio is needed to call this,
// so this header is for http_server.cc only and is not part of what the room offers.
#pragma once

#include "net/session.h"

namespace boost::asio {
class any_io_executor;
template <typename Protocol, typename Executor>
class basic_stream_socket;
namespace ip {
class tcp;
}
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace tsdb::net {

// boost::asio::ip::tcp::socket.
using AcceptedSocket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::any_io_executor>;

// Starts the conversation on the socket's executor, whose thread is the one of `home`. It joins
// `home` and leaves it when the connection is closed. `tls` may be null; all three outlive the
// conversation.
void StartConnection(AcceptedSocket socket, SessionContext* context, SessionHome* home,
                     boost::asio::ssl::context* tls);

}  // namespace tsdb::net
