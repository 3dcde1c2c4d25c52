// SPDX-License-Identifier: Apache-2.0
// Dialogues: protocol conversations as text files, one protocol rule a file, the file's name says which.
// The runner plays the client on one end of a socket pair; the host of the protocol serves the other end. One thread: the
// runner turns the host's io_context whenever it waits for the server.
//
//   # comment                     (also: empty lines; cite the rule as "# RFC 5321 §4.1.1.2")
//   do deliver alice hello        host-specific act, at any place: DialogueHost::act("deliver alice hello")
//   open c2 ip=192.0.2.7 tls      opens connection 2 with words for the host; a connection that was not opened so is
//                                 opened without words at its first use
//   c: EHLO client.example        the client sends this line and CRLF; "c" alone is connection "", "c2:" is connection 2
//   c\: "raw\r\n\x00\(3:ab)"      sends exactly these octets; \(n:text) is text n times; \\ \" \r \n \t \0 \xNN; the text
//                                 may go on with further strings on the same line
//   s: 250 Ok                     the next line of the server is exactly this
//   s~ 250-* example *            the next line matches; * stands for any octets, \* for a star
//   s| 550 *|553 *                the next line matches one of these patterns
//   s> a1 OK*                     reads lines until one matches; it must come
//   tls c2                        TLS handshake as the client; plain `tls` is connection ""
//   closed c2                     the server closes now and sends nothing more
//   hangup c2                     the client closes without another word
//   silent c2                     the server has nothing to say now (all that is ready runs first)
//   repeat 100 … end              the steps between, so many times; not nested
//   .verify                       all lines behind it go to DialogueHost::verify, one by one, when all connections that
//                                 are still open were closed
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace postern::test {

/// What a protocol's test gives the runner. A fresh host for each dialogue.
class DialogueHost {
 public:
  virtual ~DialogueHost() = default;
  virtual boost::asio::io_context& io() = 0;
  /// Starts a session on the server's end of a connected, non-blocking stream socket pair. `words` is the rest of the
  /// `open` line.
  virtual void serve(UniqueFd server_end, std::string_view words) = 0;
  /// A `do` line. Gives an empty string, or what is wrong. May run io() itself.
  virtual std::string act(std::string_view line) = 0;
  /// A line of the verify section. Gives an empty string, or what is wrong. May run io() itself.
  virtual std::string verify(std::string_view line) = 0;
};

/// All *.txt files of a folder, sorted.
std::vector<std::filesystem::path> dialogue_files(const std::filesystem::path& folder);

/// Plays the file; every deviation is a GoogleTest failure that names file and line, and ends the dialogue.
void run_dialogue(const std::filesystem::path& file, DialogueHost& host);

/// Name of a parameterised test for a dialogue file: letters, digits and underscores.
std::string dialogue_name(const std::filesystem::path& file);

/// True when the text matches the pattern, in which * stands for any octets and \* for a star.
bool matches(std::string_view pattern, std::string_view text);
/// The octets that a `c\:` line stands for. Error: what is wrong with it.
Result<std::string> unescape(std::string_view quoted);

}  // namespace postern::test
