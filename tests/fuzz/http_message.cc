// SPDX-License-Identifier: Apache-2.0
// Any octets as a request and as a response, in two pieces: no crash, no path outside its directory, limits kept.
#include <cstdint>
#include <cstdlib>

#include "http/url.h"
#include "http/wire.h"

namespace {

using postern::http::MessageReader;

/// Feeds the octets as two pieces of a stream.
bool read_whole(MessageReader& reader, std::string_view octets) {
  const std::size_t half = octets.size() / 2;
  std::string buffered(octets.substr(0, half));
  for (int piece = 0; piece < 2; ++piece) {
    while (!reader.done()) {
      const auto used = reader.feed(buffered);
      if (!used) return false;
      buffered.erase(0, *used);
      if (*used == 0 || buffered.empty()) break;
    }
    if (piece == 0) buffered += octets.substr(half);
  }
  return reader.done();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const postern::http::MessageLimits limits{.header = 1024, .body = 1024};
  MessageReader request(MessageReader::Kind::request, limits);
  if (read_whole(request, octets)) {
    const auto value = request.request();
    if (value && (!value->path.starts_with('/') || value->path.find("/../") != std::string::npos)) std::abort();
    if (value && value->body.size() > limits.body) std::abort();
  }
  MessageReader response(MessageReader::Kind::response, limits);
  const bool whole = read_whole(response, octets) || response.end().has_value();
  if (whole && response.response().body.size() > limits.body) std::abort();
  if (const auto url = postern::http::parse_url(octets); url && url->host.empty()) std::abort();
  return 0;
}
