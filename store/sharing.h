// SPDX-License-Identifier: Apache-2.0
// Sharing: mailboxes that others may use (RFC 4314), what is noted beside mailboxes (RFC 5464), and word of changes anywhere in
// an account (for RFC 5465). Every Session implements it; sharing_of() gives it.
//
// Names: what others own stands below "Other Users/", by login without the reader's own domain; the mailboxes of a team (an
// account with the setting `team` on) stand below "Shared/", its INBOX as "Shared/info". An own mailbox of such a top-level
// name hides the namespace. Ids, not names, are checked: every call of a Session asks for the right it needs in one place.
// Invariants: the owner always has every right; who has none of a mailbox gets not_found, who lacks the one gets denied.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace postern::store {

/// Bits of `right`.
using Rights = std::uint32_t;
// RFC 4314 §2.1
namespace right {
inline constexpr Rights lookup = 1, read = 2, seen = 4, write = 8, insert = 16, post = 32, create = 64, remove_mailbox = 128,
                        remove_message = 256, expunge = 512, administer = 1024;
inline constexpr Rights all = 2047;
/// With one of these a mailbox may be known to exist (RFC 4314 §4, MYRIGHTS).
inline constexpr Rights known = lookup | read | insert | create | remove_mailbox | administer;
}  // namespace right

/// "lrswipkxtea", in this order.
std::string rights_text(Rights rights);
/// RFC 4314 §2.1.1: "c" stands for k and x, "d" for t and e. Errors: invalid, naming the letter.
Result<Rights> parse_rights(std::string_view text);

inline constexpr std::string_view other_users = "Other Users";
inline constexpr std::string_view shared_space = "Shared";
/// The account setting that makes an account a team when it is "on".
inline constexpr std::string_view team_setting = "team";
/// Identifiers of ACLs beside logins: everybody who has an account here, and "group:NAME".
inline constexpr std::string_view anyone = "anyone";
inline constexpr std::string_view group_prefix = "group:";
/// Entries of one mailbox's ACL.
inline constexpr std::size_t max_acl_entries = 1'000;

/// A name below one of the two namespaces.
struct ForeignName {
  bool team = false;
  std::string login;    ///< full; empty when the name ends above it
  std::string mailbox;  ///< as its owner calls it; empty when the name ends above it
};
/// Nothing when the name is in the reader's own namespace.
std::optional<ForeignName> parse_foreign(std::string_view name, std::string_view my_domain);
/// How somebody of `my_domain` calls the mailbox of another account.
std::string foreign_name(const ForeignName& name, std::string_view my_domain);

struct AclEntry {
  std::string who;  ///< login, "anyone" or "group:NAME"
  Rights rights = 0;
  bool operator==(const AclEntry&) const = default;
};
struct AclChange {
  enum class Mode : std::uint8_t { replace, add, remove };
  Mode mode = Mode::replace;
  std::string who;
  Rights rights = 0;  ///< with replace, 0 takes the entry away
};
/// What the session's account may do with a mailbox.
struct Grant {
  AccountId owner = 0;
  Rights rights = 0;
  bool seen_each = false;  ///< everybody has their own \Seen there
};

/// One annotation (RFC 5464 §3): "/private/comment", "/shared/vendor/x/y". Names compare without case and are kept in lower case.
struct Annotation {
  std::string entry;
  std::optional<std::string> value;  ///< nothing: to be removed
};
inline constexpr std::size_t max_annotation_octets = 64 * 1024;  ///< of one value
inline constexpr std::size_t max_annotation_name = 256;          ///< octets of an entry's name
inline constexpr std::size_t max_annotations = 100;              ///< that one account keeps at one mailbox, and shared ones
/// Errors: invalid (RFC 5464 §3.2: begins with /private/ or /shared/, no "//", no '*', no '%', no control or 8-bit octets).
Result<std::string> canonical_entry(std::string_view entry);

/// Word of changes to mailboxes, names, subscriptions and annotations of some accounts.
class Feed {
 public:
  virtual ~Feed() = default;
  /// Signalled after each change.
  virtual async::Event& event() = 0;
  /// Rises, before the event, with each change that is more than one of messages: names, subscriptions, rights, annotations.
  virtual std::uint64_t structure() const = 0;
  /// Mailboxes whose messages changed since it was asked last; nothing: too many to remember, it may have been any.
  virtual std::optional<std::vector<MailboxId>> take_touched() = 0;
  /// Also hear of the mailboxes of these accounts; the session's own account is always heard.
  virtual void follow(std::vector<AccountId> accounts) = 0;
};

class Sharing {
 public:
  virtual ~Sharing() = default;
  /// Mailboxes of others that the account may look up, by name, with counters where it may read.
  virtual Task<Result<std::vector<MailboxInfo>>> shared_with_me() = 0;
  /// Errors: not_found.
  virtual Task<Result<Grant>> grant(MailboxId mailbox) = 0;
  /// The owner first, then as stored; the owner's entry is not stored. Errors: not_found, denied.
  virtual Task<Result<std::vector<AclEntry>>> acl(MailboxId mailbox) = 0;
  /// Errors: not_found (the mailbox), invalid (no such identifier, or the owner), limit, denied.
  virtual Task<Result<>> set_acl(MailboxId mailbox, AclChange change) = 0;
  /// Whether everybody has their own \Seen. Errors: not_found, denied.
  virtual Task<Result<>> set_seen_each(MailboxId mailbox, bool on) = 0;

  /// All annotations of a mailbox, or with 0 of the server, that this account can see, by name. Errors: not_found, denied.
  virtual Task<Result<std::vector<Annotation>>> annotations(MailboxId mailbox) = 0;
  /// All or nothing. Shared annotations of the server are the admin's: denied. Errors: also invalid, too_large, limit.
  virtual Task<Result<>> annotate(MailboxId mailbox, std::vector<Annotation> changes) = 0;

  virtual std::shared_ptr<Feed> feed() = 0;

  /// Messages of the account's own mailbox below this UID had a POP3 unique id before ids were keyed, and keep it.
  virtual Task<Result<Uid>> old_unique_ids_below(MailboxId mailbox) = 0;
};

/// The same session's other side.
Sharing& sharing_of(Session& session);

}  // namespace postern::store
