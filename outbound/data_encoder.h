// SPDX-License-Identifier: Apache-2.0
// DataEncoder: a message on its way through DATA. Streams; the output does not depend on where the input was cut.
//
// security.md D4: what comes out never holds a bare CR or a bare LF, every line that begins with a dot has it doubled, and the
// only CRLF "." CRLF is the one that finish() writes. Nothing that a peer could take for the end of the message (SMTP smuggling)
// can come from the message itself.
#pragma once

#include <string>
#include <string_view>

namespace postern::outbound {

class DataEncoder {
 public:
  /// Appends the encoded form of `bytes`.
  void encode(std::string_view bytes, std::string& out);
  /// Ends the last line when it has no end, and appends the final dot.
  void finish(std::string& out);

 private:
  void put_text(std::string_view text, std::string& out);

  bool line_start_ = true;
  bool cr_ = false;  ///< a CR was read whose LF may follow
};

}  // namespace postern::outbound
