// SPDX-License-Identifier: Apache-2.0
// Router: two maps, exact paths and prefixes.
#include "http/router.h"

namespace postern::http {

void Router::add(std::string method, std::string path, Handler handler) {
  const bool prefix = path.ends_with("/*");
  if (prefix) path.pop_back();
  (prefix ? below_ : exact_)[std::move(path)][std::move(method)] = std::move(handler);
}

const Router::Methods* Router::methods_for(std::string_view path) const {
  if (const auto found = exact_.find(path); found != exact_.end()) return &found->second;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos;
       slash = slash == 0 ? std::string_view::npos : path.rfind('/', slash - 1)) {
    const auto found = below_.find(path.substr(0, slash + 1));
    if (found != below_.end()) return &found->second;
  }
  return nullptr;
}

const Handler* Router::find(std::string_view method, std::string_view path) const {
  const Methods* methods = methods_for(path);
  if (methods == nullptr) return nullptr;
  const auto found = methods->find(method == "HEAD" ? "GET" : method);
  return found == methods->end() ? nullptr : &found->second;
}

std::string Router::allowed(std::string_view path) const {
  std::string out;
  const Methods* methods = methods_for(path);
  if (methods == nullptr) return out;
  for (const auto& [method, handler] : *methods) {
    out += (out.empty() ? "" : ", ") + method;
    if (method == "GET") out += ", HEAD";
  }
  return out;
}

}  // namespace postern::http
