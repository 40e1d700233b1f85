#include "server/api/web_page.h"

#include <string>

#include "web/embedded.h"

namespace tsdb::server {

void AddWebPageRoute(net::Router* router) {
  const net::RouteOptions options{.pool = net::Pool::kAdmin};
  const auto page = [](net::HttpRequest&) {
    net::HttpResponse response;
    response.headers.Set("Content-Type", "text/html; charset=utf-8");
    response.body = web::IndexHtml();
    return response;
  };
  router->Add("GET", "/", page, options);
  router->Add("GET", "/graph", page, options);
}

}  // namespace tsdb::server
