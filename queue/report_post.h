// SPDX-License-Identifier: Apache-2.0
// ReportPost: a report for another domain, as a mail with one compressed file, through the Door like any message. The null
// sender: what cannot be delivered is nobody's business here. Signed as what our people write (queue/signer.h).
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "queue/letter.h"

namespace postern::queue {

struct ReportMail {
  std::string from;     ///< an address of ours
  std::string to;       ///< elsewhere
  std::string subject;  ///< as the RFC of the report wants it
  std::string text;     ///< for people; UTF-8, lines ended by LF
  std::string media;    ///< of the file: "application/gzip"
  std::string file_name;
  std::string file;                                           ///< octets
  std::string report_type;                                    ///< of multipart/report; empty: multipart/mixed
  std::vector<std::pair<std::string, std::string>> fields{};  ///< more header fields
};

/// The message as sent. Errors: invalid (an address, or text that no header can hold).
Result<std::string> compose_report(const ReportMail& mail, UnixTime now);

class ReportPost {
 public:
  explicit ReportPost(Writing writing) : writing_(writing) {}
  /// Durable in the queue when it returns. Errors: those of compose_report() and the Door; denied: the address is ours.
  async::Task<Result<>> send(ReportMail mail);

 private:
  Writing writing_;
};

}  // namespace postern::queue
