// SPDX-License-Identifier: Apache-2.0
// Result and Error: how expected failures travel (design.md §5). A failure is a value; whether it is temporary is
// part of its kind. Exceptions are left for "this connection is over" and for bugs.
//
//   Result<Address> parse(std::string_view text);
//   auto address = parse(line);
//   if (!address) return std::unexpected(address.error());
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace postern {

enum class ErrorKind : std::uint8_t {
  invalid,      ///< the input breaks its grammar or a rule; the same input will always fail
  not_found,    ///< the thing named does not exist
  exists,       ///< the thing to be made exists already
  denied,       ///< no right to do this, or not authenticated
  conflict,     ///< the state has moved on (UNCHANGEDSINCE, a lease taken by another)
  over_quota,   ///< the account's or domain's quota is used up
  too_large,    ///< a size limit with a name was exceeded
  limit,        ///< a count limit with a name was exceeded
  unsupported,  ///< understood, but not done here
  unavailable,  ///< temporary: a part we depend on does not answer now
  timeout,      ///< temporary: a deadline passed
  closed,       ///< the peer or we closed the stream
  no_space,     ///< temporary: the disk is full
  io,           ///< temporary for the caller, alarming for the admin: read, write or sync failed
  corrupt,      ///< stored data fails its checksum or structure
  internal      ///< a bug of ours
};

/// True when trying the same again later may succeed.
constexpr bool is_temporary(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::closed:
    case ErrorKind::no_space:
    case ErrorKind::io:
    case ErrorKind::over_quota:
    case ErrorKind::conflict: return true;
    default: return false;
  }
}

/// The kind's name as the log shows it, for example "over_quota".
std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string text;  ///< for log and trace; never sent to a client as it is
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(ErrorKind::invalid, "no @ in the address");`
inline std::unexpected<Error> fail(ErrorKind kind, std::string text) {
  return std::unexpected<Error>(Error{kind, std::move(text)});
}

}  // namespace postern
