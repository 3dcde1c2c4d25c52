// SPDX-License-Identifier: Apache-2.0
// URLs by Boost.URL, which is compiled here.
#include "http/url.h"

#include <boost/url/src.hpp>

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::http {

namespace urls = boost::urls;

namespace {

constexpr std::size_t longest_url = 2048;
constexpr std::uint16_t https_port = 443;
constexpr std::uint16_t http_port = 80;

bool is_safe_segment(std::string_view segment) {
  if (segment == "." || segment == "..") return false;
  return std::ranges::none_of(segment, [](char c) { return ascii::is_ctl(c) || c == '/' || c == '\\'; });
}

std::string host_of(const urls::url_view& url) {
  std::string host = ascii::lower(std::string_view(url.host()));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > longest_url) return fail(ErrorKind::invalid, "the URL is too long");
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed) return fail(ErrorKind::invalid, "not a URL: " + parsed.error().message());
  const urls::url_view& url = *parsed;
  const bool https = url.scheme_id() == urls::scheme::https;
  if (!https && url.scheme_id() != urls::scheme::http) return fail(ErrorKind::invalid, "only http and https URLs are fetched");
  if (url.has_userinfo() || url.has_fragment()) return fail(ErrorKind::invalid, "the URL may not hold a user or a fragment");
  Url out;
  out.https = https;
  out.host = host_of(url);
  if (out.host.empty()) return fail(ErrorKind::invalid, "the URL names no host");
  out.port = https ? https_port : http_port;
  if (const auto digits = url.port(); !digits.empty()) {
    const auto port = Cursor({digits.data(), digits.size()}).take_number(UINT16_MAX);
    if (!port || *port == 0) return fail(ErrorKind::invalid, "the URL's port is not a port");
    out.port = static_cast<std::uint16_t>(*port);
  }
  const auto target = url.encoded_target();
  out.target.assign(target.data(), target.size());
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

Result<Target> parse_target(std::string_view text) {
  if (text.size() > longest_url) return fail(ErrorKind::invalid, "the target is too long");
  const auto parsed = urls::parse_origin_form({text.data(), text.size()});
  if (!parsed) return fail(ErrorKind::invalid, "not a request target");
  Target out;
  for (const auto segment : parsed->segments()) {
    if (!is_safe_segment(segment)) return fail(ErrorKind::invalid, "the path leaves its directory");
    out.path += '/';
    out.path += segment;
  }
  if (out.path.empty()) out.path = "/";
  const auto query = parsed->encoded_query();
  out.query.assign(query.data(), query.size());
  return out;
}

}  // namespace postern::http
