// SPDX-License-Identifier: Apache-2.0
// Router: which handler answers which method and path. Filled before the server starts, then only read.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "async/task.h"
#include "http/message.h"

namespace postern::http {

using Handler = std::function<async::Task<Response>(const Request& request)>;

class Router {
 public:
  /// `path` is exact, or ends with "/*" and then stands for everything below. The longest match wins. HEAD is answered by GET's
  /// handler. The request lives until the handler's task has ended.
  void add(std::string method, std::string path, Handler handler);
  /// The handler, or null.
  const Handler* find(std::string_view method, std::string_view path) const;
  /// Methods known for the path, "GET, HEAD, POST"; empty when the path is unknown.
  std::string allowed(std::string_view path) const;

 private:
  using Methods = std::map<std::string, Handler, std::less<>>;
  const Methods* methods_for(std::string_view path) const;
  std::map<std::string, Methods, std::less<>> exact_;
  std::map<std::string, Methods, std::less<>> below_;  ///< keys end with '/'
};

}  // namespace postern::http
