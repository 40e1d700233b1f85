// Conversation over one accepted TCP connection, with or without TLS. Asio is needed to call this,
// so this header is for http_server.cc only and is not part of what the room offers.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "net/session.h"

struct ssl_ctx_st;

namespace boost::asio::ssl {
class context;
}

namespace tsdb::net {

// Starts the conversation on the socket's executor, whose thread is the one of `home`. It joins
// `home` and leaves it when the connection is closed. `tls` may be null; all three outlive the
// conversation.
void StartConnection(boost::asio::ip::tcp::socket socket, SessionContext* context,
                     SessionHome* home, boost::asio::ssl::context* tls);

}  // namespace tsdb::net
