// SPDX-License-Identifier: Apache-2.0
// RFC 5256 §3: the steps of REFERENCES, and ORDEREDSUBJECT.
#include "imap/threads.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace postern::imap {
namespace {

/// Message ids of one message that count: the oldest are left out.
constexpr std::size_t most_references = 1'000;

/// RFC 5256 §3: quoting of the local part makes no difference.
std::string unquoted(std::string_view id) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (id[i] == '"') {
      quoted = !quoted;
    } else if (id[i] == '\\' && quoted && i + 1 < id.size()) {
      out += id[++i];
    } else if (quoted || (id[i] != ' ' && id[i] != '\t')) {
      out += id[i];
    }
  }
  return out;
}

/// The position of the ">" that ends the id which begins at `from`; ">" in quotes does not.
std::size_t end_of_id(std::string_view text, std::size_t from) {
  bool quoted = false;
  for (auto i = from; i < text.size(); ++i) {
    if (text[i] == '\\' && quoted) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '<' && !quoted) {
      return std::string_view::npos;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

void append_number(std::string& out, std::uint32_t number) {
  char digits[10];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

// RFC 5322 §3.6.4: msg-id = "<" id-left "@" id-right ">"
std::vector<std::string> message_ids(std::string_view field) {
  std::vector<std::string> out;
  for (std::size_t at = field.find('<'); at != std::string_view::npos; at = field.find('<', at + 1)) {
    const auto end = end_of_id(field, at + 1);
    if (end == std::string_view::npos) continue;
    auto id = unquoted(field.substr(at + 1, end - at - 1));
    const auto sign = id.rfind('@');
    if (sign != std::string::npos && sign != 0 && sign + 1 != id.size()) out.push_back(std::move(id));
    at = end;
  }
  if (out.size() > most_references) out.erase(out.begin(), out.end() - most_references);
  return out;
}

// RFC 5256 §4: thread-list = "(" (thread-members / thread-nested) ")"; thread-members = nz-number *(SP nz-number)
//              [SP thread-nested]; thread-nested = 2*thread-list
void ThreadTree::append(std::string& out, std::uint32_t root) const {
  constexpr auto close = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> todo{root};
  while (!todo.empty()) {
    auto node = todo.back();
    todo.pop_back();
    if (node == close) {
      out += ')';
      continue;
    }
    out += '(';
    bool first = true;
    for (;; node = nodes[node].children.front()) {
      if (nodes[node].number != 0) {
        if (!first) out += ' ';
        append_number(out, nodes[node].number);
        first = false;
      }
      if (nodes[node].children.size() != 1) break;
    }
    const auto& children = nodes[node].children;
    todo.push_back(close);
    if (children.empty()) continue;
    if (!first) out += ' ';
    todo.insert(todo.end(), children.rbegin(), children.rend());
  }
}

// ---- REFERENCES

std::uint32_t ReferenceThreads::make_node() {
  tree_.nodes.emplace_back();
  extra_.emplace_back();
  return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
}

std::uint32_t ReferenceThreads::node_of(const std::string& id) {
  const auto found = ids_.find(id);
  if (found != ids_.end()) return found->second;
  octets_ += id.size();
  const auto node = make_node();
  ids_.emplace(id, node);
  return node;
}

/// The node of a message: that of its id, unless it has none or another message has it already.
std::uint32_t ReferenceThreads::place(ThreadMessage& message) {
  auto node = message.id.empty() ? make_node() : node_of(message.id);
  if (!is_dummy(node)) node = make_node();
  tree_.nodes[node].number = message.number;
  tree_.nodes[node].sent = message.sent;
  extra_[node].is_reply = message.is_reply;
  octets_ += message.subject.size();
  extra_[node].subject = std::move(message.subject);
  return node;
}

/// True when `node` is `below` or one of those above it.
bool ReferenceThreads::is_above(std::uint32_t node, std::uint32_t below) {
  if (node == below) return true;
  // Whoever has no children is above nobody; this keeps long chains linear.
  if (!extra_[node].has_children) return false;
  for (auto at = extra_[below].parent; at != none; at = extra_[at].parent) {
    ++steps_;
    if (at == node) return true;
  }
  return false;
}

void ReferenceThreads::link(std::uint32_t parent, std::uint32_t child) {
  if (is_above(child, parent)) return;
  extra_[child].parent = parent;
  extra_[parent].has_children = true;
}

// Step 1: (A) links between the references, existing ones stay; (B) the message belongs to its last reference, whatever others
// said of it before.
void ReferenceThreads::add(ThreadMessage message) {
  const auto node = place(message);
  auto previous = none;
  for (const auto& id : message.references) {
    const auto next = node_of(id);
    ++steps_;
    if (previous != none && extra_[next].parent == none) link(previous, next);
    previous = next;
  }
  extra_[node].parent = none;
  if (previous != none) link(previous, node);
}

// Step 2
void ReferenceThreads::gather() {
  for (std::uint32_t node = 0; node < tree_.nodes.size(); ++node) {
    const auto parent = extra_[node].parent;
    (parent == none ? tree_.roots : tree_.nodes[parent].children).push_back(node);
  }
}

// Step 3: dummies without children go, other dummies give their place to their children; at the top only to a single one.
void ReferenceThreads::prune() {
  std::vector<std::uint32_t> order = tree_.roots;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& children = tree_.nodes[order[i]].children;
    order.insert(order.end(), children.begin(), children.end());
  }
  const auto pruned = [this](const std::vector<std::uint32_t>& siblings, bool top) {
    std::vector<std::uint32_t> out;
    for (const auto node : siblings) {
      const auto& below = tree_.nodes[node].children;
      if (!is_dummy(node) || (top && below.size() > 1)) {
        out.push_back(node);
      } else {
        out.insert(out.end(), below.begin(), below.end());
      }
    }
    return out;
  };
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    auto& children = tree_.nodes[*node].children;
    if (!children.empty()) children = pruned(children, false);
  }
  tree_.roots = pruned(tree_.roots, true);
}

/// Dummies have the date of their first child, which is sorted before them.
UnixTime ReferenceThreads::sent(std::uint32_t node) const {
  return is_dummy(node) ? tree_.nodes[tree_.nodes[node].children.front()].sent : tree_.nodes[node].sent;
}
std::uint32_t ReferenceThreads::lowest(std::uint32_t node) const {
  return is_dummy(node) ? tree_.nodes[tree_.nodes[node].children.front()].number : tree_.nodes[node].number;
}

void ReferenceThreads::sort(std::vector<std::uint32_t>& siblings) const {
  std::ranges::sort(siblings, [this](std::uint32_t a, std::uint32_t b) {
    return std::pair(sent(a), lowest(a)) < std::pair(sent(b), lowest(b));
  });
}

/// Only top-level nodes are dummies now, so the order in which sets are sorted matters there alone.
void ReferenceThreads::sort_children() {
  for (auto& node : tree_.nodes) {
    if (node.children.size() > 1) sort(node.children);
  }
  sort(tree_.roots);
}

const ReferenceThreads::Extra& ReferenceThreads::subject_of(std::uint32_t root) const {
  return extra_[is_dummy(root) ? tree_.nodes[root].children.front() : root];
}

// Step 5 (C): `known` is the root that stands for the subject.
void ReferenceThreads::merge(std::uint32_t& known, std::uint32_t root) {
  auto& nodes = tree_.nodes;
  if (is_dummy(known) && is_dummy(root)) {
    const auto children = std::exchange(nodes[root].children, {});
    nodes[known].children.insert(nodes[known].children.end(), children.begin(), children.end());
  } else if (is_dummy(known) || (extra_[root].is_reply && !extra_[known].is_reply)) {
    nodes[known].children.push_back(root);
  } else {
    const auto both = make_node();
    nodes[both].children = {known, root};
    known = both;
  }
}

// Step 5: threads of equal base subjects are put together; messages that are no replies stand above those that are.
void ReferenceThreads::merge_subjects() {
  // The views in the table are of subjects that a growing extra_ would move.
  extra_.reserve(extra_.size() + tree_.roots.size());
  std::unordered_map<std::string_view, std::uint32_t> table;
  for (const auto root : tree_.roots) {
    const auto& subject = subject_of(root).subject;
    if (subject.empty()) continue;
    const auto [entry, fresh] = table.emplace(subject, root);
    if (fresh || is_dummy(entry->second)) continue;
    if (is_dummy(root) || (extra_[entry->second].is_reply && !extra_[root].is_reply)) entry->second = root;
  }
  std::vector<std::uint32_t> kept;
  for (const auto root : std::exchange(tree_.roots, {})) {
    const auto& subject = subject_of(root).subject;
    const auto entry = subject.empty() ? table.end() : table.find(subject);
    if (entry == table.end()) {
      kept.push_back(root);
    } else if (entry->second != root) {
      merge(entry->second, root);
    }
  }
  for (const auto& [subject, root] : table) kept.push_back(root);
  tree_.roots = std::move(kept);
}

// Steps 2 to 6
ThreadTree ReferenceThreads::finish() {
  gather();
  prune();
  sort_children();
  merge_subjects();
  sort_children();
  return std::move(tree_);
}

// ---- ORDEREDSUBJECT

void SubjectThreads::add(ThreadMessage message) {
  octets_ += message.subject.size();
  messages_.push_back(std::move(message));
}

// RFC 5256 §3: by subject, then by date; the first of a subject is the parent of all others.
ThreadTree SubjectThreads::finish() {
  const auto by_date = [](const auto& a, const auto& b) { return std::pair(a.sent, a.number) < std::pair(b.sent, b.number); };
  std::ranges::sort(messages_, [&](const ThreadMessage& a, const ThreadMessage& b) {
    return a.subject == b.subject ? by_date(a, b) : a.subject < b.subject;
  });
  ThreadTree tree;
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    const auto node = static_cast<std::uint32_t>(i);
    tree.nodes.push_back({messages_[i].number, messages_[i].sent, {}});
    if (i == 0 || messages_[i].subject != messages_[tree.roots.back()].subject) {
      tree.roots.push_back(node);
    } else {
      tree.nodes[tree.roots.back()].children.push_back(node);
    }
  }
  std::ranges::sort(tree.roots, [&](std::uint32_t a, std::uint32_t b) { return by_date(tree.nodes[a], tree.nodes[b]); });
  return tree;
}

}  // namespace postern::imap
