// SPDX-License-Identifier: Apache-2.0
// LIST and LSUB over one picture of the account: mailboxes, subscriptions, and parents that are no mailboxes.
#include "async/executor.h"
#include "async/together.h"
#include "imap/list_request.h"
#include "imap/rights.h"
#include "imap/session.h"
#include "imap/special_use.h"
#include "store/mailbox_name.h"

namespace postern::imap::commands {
namespace {

/// Names that are matched before other sessions get a turn.
constexpr std::size_t names_a_turn = 64;

struct Node {
  const store::MailboxInfo* info = nullptr;  ///< null: no such mailbox, only names below or a subscription
  bool subscribed = false;
  bool has_children = false;  ///< mailboxes below
  bool subscribed_below = false;
  bool implied = false;  ///< a mailbox lies below
};

struct Order {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return store::mailbox_before(a, b); }
};

/// Everything LIST can speak of, in the order it does.
struct Tree {
  std::vector<store::MailboxInfo> mailboxes;
  std::map<std::string, Node, Order> nodes;
};

async::Task<Result<Tree>> load(Session& session) {
  Tree tree;
  auto& store = session.store();
  Result<std::vector<store::MailboxInfo>> mailboxes;
  Result<std::vector<store::MailboxInfo>> shared;
  Result<std::vector<std::string>> subscriptions;
  // One wait for the store and not three.
  co_await async::together(async::all(async::keep(store.list(), mailboxes), async::keep(store.subscriptions(), subscriptions),
                                      async::keep(store::sharing_of(store).shared_with_me(), shared)));
  if (!mailboxes) co_return std::unexpected(mailboxes.error());
  if (!subscriptions) co_return std::unexpected(subscriptions.error());
  if (!shared) co_return std::unexpected(shared.error());
  tree.mailboxes = *std::move(mailboxes);
  tree.mailboxes.insert(tree.mailboxes.end(), std::make_move_iterator(shared->begin()), std::make_move_iterator(shared->end()));
  for (const auto& info : tree.mailboxes) {
    tree.nodes[info.name].info = &info;
    for (const auto& parent : store::mailbox_parents(info.name)) {
      tree.nodes[parent].has_children = true;
      tree.nodes[parent].implied = true;
    }
  }
  for (const auto& name : *subscriptions) {
    tree.nodes[name].subscribed = true;
    for (const auto& parent : store::mailbox_parents(name)) tree.nodes[parent].subscribed_below = true;
  }
  co_return tree;
}

/// RFC 3501 §7.2.2, RFC 5258 §3.4, RFC 3348 §3
std::string attributes(const ListRequest& request, const Node& node) {
  std::string out;
  const auto add = [&out](std::string_view name) { out.append(out.empty() ? "" : " ").append(name); };
  if (node.info == nullptr) add(request.extended ? "\\NonExistent" : "\\Noselect");
  add(node.has_children ? "\\HasChildren" : "\\HasNoChildren");
  if (node.subscribed && (request.return_subscribed || request.only_subscribed)) add("\\Subscribed");
  if (node.info != nullptr && node.info->use != store::SpecialUse::none) add(special_use_name(node.info->use));
  return out;
}

/// Whether the node satisfies the selection options; without options: a mailbox, or a level above one.
bool is_selected(const ListRequest& request, const Node& node) {
  if (request.only_subscribed && !node.subscribed) return false;
  if (request.only_special_use) return node.info != nullptr && node.info->use != store::SpecialUse::none;
  return request.only_subscribed || node.info != nullptr || node.implied;
}

void append_line(Session& session, std::string_view response, std::string_view attributes_text, std::string_view name) {
  auto& out = session.out();
  out.append("* ").append(response).append(" (").append(attributes_text).append(") \"/\" ");
  append_mailbox(out, name, session.names());
}

/// What the return options ask for beside the LIST response. A mailbox that went meanwhile, or may not be read, has none.
async::Task<> append_extras(Session& session, const ListRequest& request, const store::MailboxInfo& info) {
  auto& sharing = store::sharing_of(session.store());
  const auto grant = co_await grant_on(session, info);
  if (!grant) co_return;
  auto& out = session.out();
  // RFC 8440 §4
  if (request.return_rights) {
    out.append("* MYRIGHTS ");
    append_mailbox(out, info.name, session.names());
    out.append(" ").append(rights_on_wire(grant->rights)).append("\r\n");
  }
  // RFC 5819 §2
  if (!request.return_status.empty() && (grant->rights & store::right::read) != 0) {
    const StatusExtras known{.names = session.names(), .append_limit = session.config()->limits.append_bytes};
    const auto extras = co_await status_extras(session.store(), info, request.return_status, known);
    if (extras) append_status(out, info, request.return_status, *extras);
  }
  // RFC 9590 §3
  if (!request.return_metadata.entries.empty()) {
    std::uint64_t longest = 0;
    const auto all = co_await sharing.annotations(info.id);
    if (all) append_annotations(out, info.name, session.names(), choose_entries(request.return_metadata, *all, longest));
  }
}

}  // namespace

// RFC 3501 §6.3.8, RFC 5258 §3, RFC 5819 §2
async::Task<Reply> list(Session& session, Command& command) {
  const auto request = parse_list(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  if (request.asks_separator) {
    session.out().append("* LIST (\\Noselect) \"/\" \"\"\r\n");
    co_return ok("Done");
  }
  const auto tree = co_await load(session);
  if (!tree) co_return from_error(tree.error());
  std::size_t count = 0;
  for (const auto& [name, node] : tree->nodes) {
    const bool below = request.recursive_match && node.subscribed_below;
    if (++count % names_a_turn == 0) co_await async::yield();
    if ((!is_selected(request, node) && !below) || !request.matches(name)) continue;
    append_line(session, "LIST", attributes(request, node), name);
    // RFC 5258 §3.5: childinfo-extended-item = "CHILDINFO" SP "(" … ")"
    session.out().append(below ? " (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n" : "\r\n");
    if (node.info != nullptr) co_await append_extras(session, request, *node.info);
    co_await session.flush_if_full();
  }
  if (contains(request.return_status, StatusItem::highest_modseq)) session.enable_condstore();
  co_return ok("Done");
}

// RFC 3501 §6.3.9: names that are subscribed; a name above one that the pattern matches instead is \Noselect.
async::Task<Reply> lsub(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto reference = in.astring();
  in.sp();
  const auto text = in.list_mailbox();
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto pattern = ListPattern::make(reference, text, in.names());
  if (!pattern) co_return no("CANNOT", "This is no valid pattern");
  const auto tree = co_await load(session);
  if (!tree) co_return from_error(tree.error());
  const bool levels = text.find('%') != std::string::npos;
  for (const auto& [name, node] : tree->nodes) {
    if ((!node.subscribed && !(levels && node.subscribed_below)) || !pattern->matches(name)) continue;
    const bool selectable = node.subscribed && node.info != nullptr;
    append_line(session, "LSUB", selectable ? "" : "\\Noselect", name);
    session.out().append("\r\n");
    co_await session.flush_if_full();
  }
  co_return ok("Done");
}

}  // namespace postern::imap::commands
