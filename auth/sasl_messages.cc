// SPDX-License-Identifier: Apache-2.0
// Cursor walks; nothing is allocated from lengths that the client names.
#include "auth/sasl_messages.h"

#include "base/cursor.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

constexpr std::string_view plus_suffix = "-PLUS";

// saslname = 1*(value-safe-char / "=2C" / "=3D")
// RFC 5802 §7
Result<std::string> take_saslname(Cursor& in) {
  std::string out;
  while (!in.at_end() && !in.is(',')) {
    if (in.take("=2C")) {
      out += ',';
    } else if (in.take("=3D")) {
      out += '=';
    } else if (in.is('=') || in.is('\0')) {
      return fail(ErrorKind::invalid, in.where("broken escape in a name"));
    } else {
      out += *in.next();
    }
  }
  if (out.empty() || !is_utf8(out)) return fail(ErrorKind::invalid, in.where("a name is empty or not UTF-8"));
  return out;
}

}  // namespace

// message = [authzid] UTF8NUL authcid UTF8NUL passwd
// RFC 4616 §2
Result<PlainMessage> parse_plain(std::string_view message) {
  if (!is_utf8(message)) return fail(ErrorKind::invalid, "PLAIN message is not UTF-8");
  Cursor in(message);
  PlainMessage out;
  out.authzid = std::string(in.take_until('\0'));
  if (!in.take('\0')) return fail(ErrorKind::invalid, "PLAIN message without a name");
  out.authcid = std::string(in.take_until('\0'));
  if (!in.take('\0')) return fail(ErrorKind::invalid, "PLAIN message without a password");
  const auto password = in.rest();
  if (out.authcid.empty()) return fail(ErrorKind::invalid, "PLAIN message with an empty name");
  if (password.empty() || password.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::invalid, "PLAIN message with an empty password or a NUL in it");
  }
  out.password = Secret(password);
  return out;
}

Result<Secret> make_plain(std::string_view user, const Secret& password) {
  std::string message(1, '\0');
  message += user;
  message += '\0';
  message += password.reveal();
  auto out = Secret::take(message);
  if (auto sound = parse_plain(out.reveal()); !sound) return std::unexpected(sound.error());
  return out;
}

// gs2-header = ("p=" cb-name / "n" / "y") "," ["a=" saslname] ","
// client-first-message = gs2-header ["m=" value ","] "n=" saslname "," "r=" nonce ["," extensions]
// RFC 5802 §7
Result<ScramHead> parse_scram_head(std::string_view message) {
  Cursor in(message);
  ScramHead out;
  if (in.take("p=")) {
    out.flag = 'p';
    out.binding = std::string(in.take_while([](char c) { return ascii::is_alnum(c) || c == '.' || c == '-'; }));
    if (out.binding.empty()) return fail(ErrorKind::invalid, in.where("channel binding without a name"));
  } else if (in.is('n') || in.is('y')) {
    out.flag = *in.next();
  } else {
    return fail(ErrorKind::invalid, in.where("expected n, y or p="));
  }
  if (!in.take(',')) return fail(ErrorKind::invalid, in.where("expected a comma"));
  if (in.take("a=")) {
    auto authzid = take_saslname(in);
    if (!authzid) return std::unexpected(authzid.error());
    out.authzid = std::move(*authzid);
  }
  if (!in.take(',')) return fail(ErrorKind::invalid, in.where("expected a comma"));
  if (!in.take("n=")) return fail(ErrorKind::invalid, in.where("expected n="));
  auto user = take_saslname(in);
  if (!user) return std::unexpected(user.error());
  out.user = std::move(*user);
  if (!in.take(",r=") || in.at_end()) return fail(ErrorKind::invalid, in.where("expected a nonce"));
  return out;
}

Result<> check_first_message(std::string_view mechanism, std::string_view message) {
  if (!mechanism.starts_with("SCRAM-")) {
    auto plain = parse_plain(message);
    if (!plain) return std::unexpected(plain.error());
    return {};
  }
  const auto head = parse_scram_head(message);
  if (!head) return std::unexpected(head.error());
  // RFC 5802 §6: the mechanism name says whether channel binding is in use; the flag must say the same.
  if (mechanism.ends_with(plus_suffix) != (head->flag == 'p')) {
    return fail(ErrorKind::invalid, "channel binding flag does not fit the mechanism");
  }
  return {};
}

std::string user_of(std::string_view mechanism, std::string_view message) {
  if (mechanism.starts_with("SCRAM-")) {
    auto head = parse_scram_head(message);
    return head ? std::move(head->user) : std::string();
  }
  auto plain = parse_plain(message);
  return plain ? std::move(plain->authcid) : std::string();
}

}  // namespace postern::auth
