// SPDX-License-Identifier: Apache-2.0
// Headers and messages that Postern writes itself: delivery reports, Received lines, notices.
// A value with CR, LF or NUL is refused, never cleaned in silence (security.md D80). Lines fold at 78 where white space allows
// and never exceed 998. The first error sticks and comes out of finish().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mail/address.h"
#include "mime/content_type.h"
#include "mime/date.h"
#include "mime/transfer_encoding.h"

namespace postern::mime {

/// RFC 5322 §2.1.1, without the line end.
inline constexpr std::size_t preferred_line = 78;
inline constexpr std::size_t max_line = 998;

/// Error invalid when the text has CR, LF or NUL.
Result<> check_field_text(std::string_view text);

/// A person as a header shows them.
struct NamedAddress {
  std::string name;  ///< UTF-8, may be empty
  mail::Address address;
};

///   HeaderWriter header;
///   header.address("From", {"Mail Delivery", postmaster}).text("Subject", "Undelivered").date("Date", now);
///   auto block = header.finish();
class HeaderWriter {
 public:
  /// A value that is syntax already (ASCII, or UTF-8 of RFC 6532): folded at its white space, nothing else changed.
  HeaderWriter& field(std::string_view name, std::string_view value);
  /// Unstructured UTF-8 text, encoded where needed (RFC 2047).
  HeaderWriter& text(std::string_view name, std::string_view utf8);
  HeaderWriter& address(std::string_view name, const NamedAddress& who);
  HeaderWriter& addresses(std::string_view name, std::span<const NamedAddress> who);
  HeaderWriter& date(std::string_view name, const Date& when);
  HeaderWriter& content_type(const ContentType& type);
  /// All fields, each ending with CRLF; no empty line. Error: the first one that occurred.
  Result<std::string> finish() const;

 private:
  void put(std::string_view name, std::string_view value);
  std::string out_;
  std::optional<Error> error_;
};

/// One part of a multipart. The body is taken as it is, in CRLF lines; encode it before (encode_transfer).
struct BodyPart {
  HeaderWriter header;
  std::string body;
};

/// A message or part of several parts.
struct Multipart {
  HeaderWriter header;            ///< without Content-Type and MIME-Version
  std::string subtype = "mixed";  ///< "report"
  Parameters parameters;          ///< beside the boundary: report-type=delivery-status
  std::string boundary;           ///< make_boundary()
  std::vector<BodyPart> parts;
};

/// The whole message. Errors: invalid (a header's error, a bad boundary, or a part that contains the boundary).
Result<std::string> write_multipart(const Multipart& multipart);

/// A boundary from 128 random bits.
std::string make_boundary();
/// "<time.random@domain>", unique (RFC 5322 §3.6.4).
std::string make_message_id(UnixTime now, const mail::Domain& domain);

}  // namespace postern::mime
