// SPDX-License-Identifier: Apache-2.0
// The grammar of message URLs, and the way from a URL to octets.
#include "imap/message_url.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "imap/fetch_writer.h"
#include "mime/header.h"
#include "store/sharing.h"

namespace postern::imap {
namespace {

constexpr std::string_view scheme = "imap://";

Error broken(std::string_view what) { return {ErrorKind::invalid, std::string(what)}; }

/// A number that fills the text.
std::optional<std::uint64_t> number_of(std::string_view text) {
  Cursor in(text);
  const auto out = in.take_number();
  return out && in.at_end() ? out : std::nullopt;
}

/// Cuts "name=value" off the front when it has this name; `name` with the "=".
std::optional<std::string_view> value_of(std::string_view part, std::string_view name) {
  if (!ascii::istarts_with(part, name)) return std::nullopt;
  return part.substr(name.size());
}

// RFC 5092 §11: iserver = [iuserinfo "@"] host [":" port]; iuserinfo = enc-user [iauth] / [enc-user] iauth
Result<> read_server(std::string_view server, MessageUrl& out) {
  const auto at = server.rfind('@');
  if (at == std::string_view::npos) return std::unexpected(broken("no user is named"));
  auto user = percent_decode(server.substr(0, std::min(at, server.find(';'))));
  if (!user) return std::unexpected(user.error());
  const auto host = server.substr(at + 1);
  out.user = *std::move(user);
  out.host = host.substr(0, host.find(':'));
  if (out.user.empty() || out.host.empty()) return std::unexpected(broken("user or host is missing"));
  return {};
}

// RFC 5092 §11: imailbox-ref = enc-mailbox [";UIDVALIDITY=" nz-number]; names are UTF-8 there
Result<> read_mailbox(std::string_view text, MessageUrl& out) {
  const auto semicolon = text.find(';');
  auto decoded = percent_decode(text.substr(0, semicolon));
  if (!decoded) return std::unexpected(decoded.error());
  auto name = decode_mailbox_name(*decoded, NameForm::utf8);
  if (!name) return std::unexpected(name.error());
  out.mailbox = *std::move(name);
  if (semicolon == std::string_view::npos) return {};
  const auto value = value_of(text.substr(semicolon), ";UIDVALIDITY=");
  const auto number = value ? number_of(*value) : std::nullopt;
  if (!number || *number == 0 || *number > UINT32_MAX) return std::unexpected(broken("UIDVALIDITY is no number"));
  out.uidvalidity = static_cast<std::uint32_t>(*number);
  return {};
}

// RFC 5092 §11: ipartial-only = ";PARTIAL=" number ["." nz-number]
Result<> read_partial(std::string_view text, MessageUrl& out) {
  const auto dot = text.find('.');
  const auto origin = number_of(text.substr(0, dot));
  const auto count = dot == std::string_view::npos ? std::optional(out.count) : number_of(text.substr(dot + 1));
  if (!origin || !count || *count == 0) return std::unexpected(broken("PARTIAL is no range"));
  out.origin = *origin;
  out.count = *count;
  return {};
}

// RFC 5092 §11: iuid-only ["/" isection-only] ["/" ipartial-only]
Result<> read_parts(std::string_view text, MessageUrl& out) {
  for (std::size_t place = 0; !text.empty(); ++place) {
    const auto slash = text.find("/;");
    const auto part = text.substr(0, slash);
    text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
    if (const auto uid = value_of(part, ";UID="); uid && place == 0) {
      const auto number = number_of(*uid);
      if (!number || *number == 0 || *number > UINT32_MAX) return std::unexpected(broken("UID is no number"));
      out.uid = static_cast<store::Uid>(*number);
    } else if (const auto section = value_of(part, ";SECTION="); section && place == 1) {
      auto decoded = percent_decode(*section);
      if (!decoded || decoded->empty()) return std::unexpected(broken("SECTION is empty or broken"));
      out.section = *std::move(decoded);
    } else if (const auto partial = value_of(part, ";PARTIAL="); partial && place != 0) {
      if (auto read = read_partial(*partial, out); !read) return read;
      if (!text.empty()) return std::unexpected(broken("something follows PARTIAL"));
    } else {
      return std::unexpected(broken("the URL names no message"));
    }
  }
  return {};
}

/// The section as FETCH reads it.
Result<Section> section_of(const std::string& text) {
  const std::string item = "BODY.PEEK[" + text + "]";
  Parser in(item);
  const auto request = parse_fetch(in);
  const bool one = in.ok() && request.items.size() == 1 && request.items[0].kind == FetchItem::Kind::section;
  if (!one) return std::unexpected(broken("there is no such section"));
  return request.items[0].section;
}

mime::Range cut(mime::Range range, const MessageUrl& url) {
  const auto begin = range.begin + std::min(url.origin, range.size());
  return {begin, begin + std::min(url.count, range.end - begin)};
}

/// The mailbox of the URL. It must be this account's way to it on this server.
async::Task<Result<store::MailboxInfo>> find_mailbox(Session& session, const MessageUrl& url) {
  const bool ours =
      ascii::iequals(url.host, session.config()->server.hostname) && ascii::iequals(url.user, session.store().identity().login());
  if (url.is_absolute() && !ours) co_return std::unexpected(broken("another server or account"));
  if (!url.mailbox && !session.is_selected()) co_return std::unexpected(broken("no mailbox is selected"));
  auto info = co_await session.store().status(url.mailbox ? *url.mailbox : session.view().name());
  if (!info) co_return info;
  if (url.uidvalidity != 0 && url.uidvalidity != info->uidvalidity) co_return fail(ErrorKind::not_found, "UIDs changed");
  co_return info;
}

}  // namespace

Result<MessageUrl> parse_message_url(std::string_view url) {
  MessageUrl out;
  if (ascii::istarts_with(url, scheme)) {
    url.remove_prefix(scheme.size());
    const auto slash = url.find('/');
    if (slash == std::string_view::npos) return std::unexpected(broken("the URL names no mailbox"));
    if (auto read = read_server(url.substr(0, slash), out); !read) return std::unexpected(read.error());
    url.remove_prefix(slash);
  }
  if (!out.is_absolute() && url.starts_with("/;")) url.remove_prefix(1);
  if (!url.starts_with(';') || out.is_absolute()) {
    const auto end = url.find("/;");
    if (!url.starts_with('/') || end == std::string_view::npos || end == 0)
      return std::unexpected(broken("no path to a message"));
    if (auto read = read_mailbox(url.substr(1, end - 1), out); !read) return std::unexpected(read.error());
    url.remove_prefix(end + 1);
  }
  if (auto read = read_parts(url, out); !read) return std::unexpected(read.error());
  if (out.uid == 0) return std::unexpected(broken("the URL names no message"));
  return out;
}

async::Task<Result<UrlOctets>> open_url(Session& session, std::string_view text) {
  const auto url = parse_message_url(text);
  if (!url) co_return std::unexpected(url.error());
  const auto section = section_of(url->section);
  if (!section) co_return std::unexpected(section.error());
  const auto info = co_await find_mailbox(session, *url);
  if (!info) co_return std::unexpected(info.error());
  // Asking the index checks the right to read, and that the message was not expunged.
  const auto found = co_await session.store().info(info->id, store::UidSet{{url->uid, url->uid}}, store::meta_none);
  if (!found) co_return std::unexpected(found.error());
  if (found->empty()) co_return fail(ErrorKind::not_found, "no such message");
  UrlOctets out{.message = std::make_unique<Message>(session.store(), info->id, url->uid, Message::Loaded{})};
  const auto range = co_await octets_of(*section, *out.message);
  if (!range) co_return std::unexpected(range.error());
  if (!*range) co_return std::unexpected(broken("there is no such section"));
  if (const auto shared = co_await session.is_shared(*info); shared) {
    session.trace().read({info->id, info->name}, store::UidSet{{url->uid, url->uid}});
  }
  if (section->filter == Section::Filter::none) {
    out.range = cut(**range, *url);
    co_return out;
  }
  const auto block = co_await out.message->read_all(**range, mime::max_header_block);
  if (!block) co_return std::unexpected(block.error());
  const auto mode = section->filter == Section::Filter::only ? mime::Select::only : mime::Select::except;
  const auto fields = mime::select_fields(*block, section->fields, mode);
  const auto part = cut(mime::Range{0, fields.size()}, *url);
  out.text = fields.substr(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.size()));
  co_return out;
}

}  // namespace postern::imap
