// SPDX-License-Identifier: Apache-2.0
// A key file is a few lines "name: value" and the private key as PEM. Its name is the record's name with ".key".
#include "policy/dkim_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>

#include "base/ascii.h"
#include "base/file.h"
#include "mail/domain.h"

namespace postern::policy {
namespace {

constexpr std::string_view pem_mark = "-----BEGIN ";
constexpr std::string_view suffix = ".key";
constexpr std::string_view infix = "._domainkey.";  ///< other keys of the data folder are not ours
constexpr std::string_view file_heading = "# A DKIM key of Postern. Whoever reads it can sign in the name of the domain.\n";
constexpr std::size_t max_key_file = 16 * 1024;
constexpr std::size_t max_name = 240;  ///< octets of a record's name, so that the file's name fits 255
constexpr std::array<std::string_view, 3> state_words{"waiting", "active", "retired"};

std::string_view value_of(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const auto end = head.find('\n');
    auto line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) return line.substr(name.size() + 2);
  }
  return {};
}

std::optional<UnixTime> time_of(std::string_view head, std::string_view name) {
  const auto text = value_of(head, name);
  UnixTime value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<DkimKey::State> state_of(std::string_view word) {
  const auto found = std::ranges::find(state_words, word);
  if (found == state_words.end()) return std::nullopt;
  return static_cast<DkimKey::State>(found - state_words.begin());
}

// RFC 6376 §3.1: selector = sub-domain *( "." sub-domain )
bool is_selector(std::string_view text) {
  const auto domain = mail::Domain::parse(std::string(text) + ".example");
  return domain && domain->ascii() == std::string(text) + ".example";
}

}  // namespace

std::string_view to_string(DkimKey::State state) { return state_words[static_cast<std::size_t>(state)]; }

std::string DkimKey::record() const { return fmt::format("v=DKIM1; k={}; p={}", is_ed25519() ? "ed25519" : "rsa", public_key); }

std::vector<std::string> txt_strings(std::string_view record) {
  std::vector<std::string> out;
  for (; !record.empty(); record.remove_prefix(std::min(txt_string_max, record.size()))) {
    out.emplace_back(record.substr(0, txt_string_max));
  }
  return out;
}

/// A key with its private part.
struct DkimBook::Page {
  DkimKey key;
  Secret pem;

  std::string text() const {
    return fmt::format("{}domain: {}\nselector: {}\nstate: {}\ncreated: {}\nactivated: {}\nretired: {}\n{}", file_heading,
                       key.domain, key.selector, to_string(key.state), key.created, key.activated, key.retired, pem.reveal());
  }

  /// From a file's text; the public part comes with the table.
  static std::optional<Page> parse(std::string_view text) {
    const auto split = text.find(pem_mark);
    if (split == std::string_view::npos) return std::nullopt;
    const auto head = text.substr(0, split);
    const auto state = state_of(value_of(head, "state"));
    const auto created = time_of(head, "created");
    const auto activated = time_of(head, "activated");
    const auto retired = time_of(head, "retired");
    if (!state || !created || !activated || !retired) return std::nullopt;
    Page page{.key = {.domain = std::string(value_of(head, "domain")), .selector = std::string(value_of(head, "selector"))},
              .pem = Secret(text.substr(split))};
    page.key.state = *state;
    page.key.created = *created;
    page.key.activated = *activated;
    page.key.retired = *retired;
    if (!mail::Domain::parse(page.key.domain) || !is_selector(page.key.selector)) return std::nullopt;
    return page;
  }
};

/// Never changed once it is made.
class DkimBook::Table {
 public:
  /// Error invalid: a page holds no key; its name is in the text.
  static Result<std::shared_ptr<const Table>> make(std::vector<Page> pages) {
    auto table = std::make_shared<Table>();
    for (auto& page : pages) {
      const auto id = page.key.name();
      auto about = table->oracle_.add_key(id, page.pem);
      if (!about) return fail(about.error().kind, id + ": " + about.error().text);
      page.key.algorithm = about->algorithm;
      page.key.bits = about->bits;
      page.key.public_key = std::move(about->public_key);
    }
    std::ranges::sort(pages, [](const Page& a, const Page& b) {
      return std::tie(a.key.domain, a.key.created, a.key.selector) < std::tie(b.key.domain, b.key.created, b.key.selector);
    });
    for (const auto& page : pages) {
      if (page.key.state == DkimKey::State::active) table->active_[page.key.domain].push_back(page.key);
    }
    table->pages_ = std::move(pages);
    return table;
  }
  const std::vector<Page>& pages() const { return pages_; }
  /// Signing changes nothing.
  MemoryKeys& oracle() const { return oracle_; }
  std::vector<DkimKey> active(std::string_view domain) const {
    for (;;) {
      if (const auto found = active_.find(domain); found != active_.end()) return found->second;
      const auto dot = domain.find('.');
      if (dot == std::string_view::npos) return {};
      domain.remove_prefix(dot + 1);
    }
  }

 private:
  std::vector<Page> pages_;
  std::map<std::string, std::vector<DkimKey>, std::less<>> active_;
  mutable MemoryKeys oracle_;
};

DkimBook::DkimBook(std::filesystem::path folder, const Clock& clock)
    : folder_(std::move(folder)), clock_(clock), table_(std::make_shared<const Table>()) {}
DkimBook::~DkimBook() = default;

Result<std::unique_ptr<DkimBook>> DkimBook::open(std::filesystem::path folder, const Clock& clock) {
  std::unique_ptr<DkimBook> book(new DkimBook(std::move(folder), clock));
  std::vector<Page> pages;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(book->folder_, error)) {
    const auto& path = file.path();
    if (path.extension() != suffix || !path.filename().string().contains(infix)) continue;
    if (auto closed = require_private(path); !closed) return std::unexpected(closed.error());
    auto text = read_file(path, max_key_file);
    if (!text) return std::unexpected(text.error());
    auto page = Page::parse(*text);
    wipe(*text);
    if (!page || page->key.name() + std::string(suffix) != path.filename()) {
      return fail(ErrorKind::corrupt, path.string() + " is no DKIM key of ours; move it away, or restore it from a backup");
    }
    pages.push_back(std::move(*page));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return std::unexpected(errno_error(book->folder_.string(), error.value()));
  }
  auto table = Table::make(std::move(pages));
  if (!table) return fail(ErrorKind::corrupt, book->folder_.string() + ": " + table.error().text);
  book->table_ = std::move(*table);
  return book;
}

std::shared_ptr<const DkimBook::Table> DkimBook::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

Result<> DkimBook::write(const Page& page) const {
  auto text = page.text();
  auto written = write_file_durably(folder_ / (page.key.name() + std::string(suffix)), text, 0600);
  wipe(text);
  return written;
}

Result<> DkimBook::replace(std::vector<Page> pages) {
  auto made = Table::make(std::move(pages));
  if (!made) return std::unexpected(made.error());
  const std::lock_guard lock(mutex_);
  table_ = std::move(*made);
  return {};
}

std::string DkimBook::new_selector(const Wish& wish) const {
  const auto day = std::chrono::year_month_day(
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(clock_.unix_now()))));
  const auto base =
      fmt::format("{}{:04}{:02}{:02}", wish.algorithm == DkimAlgorithm::ed25519_sha256 ? "e" : "r", static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  const auto pages = table();
  std::string name = base;
  for (unsigned next = 2; std::ranges::any_of(
           pages->pages(), [&](const Page& page) { return page.key.domain == wish.domain && page.key.selector == name; });
       ++next) {
    name = fmt::format("{}-{}", base, next);
  }
  return name;
}

Result<DkimKey> DkimBook::create(Wish wish) {
  const auto domain = mail::Domain::parse(wish.domain);
  if (!domain) return std::unexpected(domain.error());
  wish.domain = domain->ascii();
  wish.selector = ascii::lower(wish.selector.empty() ? new_selector(wish) : wish.selector);
  if (!is_selector(wish.selector)) {
    return fail(ErrorKind::invalid,
                fmt::format("\"{}\" is no selector; write letters, digits and hyphens, such as \"mail2027\"", wish.selector));
  }
  Page page{.key = {.domain = wish.domain, .selector = wish.selector}, .pem = {}};
  if (page.key.name().size() > max_name) return fail(ErrorKind::invalid, page.key.name() + " is too long a name");
  auto pem = make_private_key(wish.algorithm, wish.bits);
  if (!pem) return std::unexpected(pem.error());
  page.pem = std::move(*pem);
  page.key.created = clock_.unix_now();
  const std::lock_guard changing(changing_);
  auto pages = table()->pages();
  const auto same = [&](const Page& one) { return one.key.name() == page.key.name(); };
  if (std::ranges::any_of(pages, same)) {
    return fail(ErrorKind::exists, page.key.name() + " exists already; choose another selector");
  }
  if (auto written = write(page); !written) return std::unexpected(written.error());
  pages.push_back(page);
  if (auto replaced = replace(std::move(pages)); !replaced) return std::unexpected(replaced.error());
  if (wish.at_once) return change(wish.domain, wish.selector, DkimKey::State::active);
  return std::ranges::find_if(table()->pages(), same)->key;
}

/// Under changing_. The key first: a crash in between leaves two active ones, which the next change settles.
Result<DkimKey> DkimBook::change(const std::string& domain, const std::string& selector, DkimKey::State state) {
  auto pages = table()->pages();
  const auto wanted =
      std::ranges::find_if(pages, [&](const Page& page) { return page.key.domain == domain && page.key.selector == selector; });
  if (wanted == pages.end()) {
    return fail(ErrorKind::not_found, fmt::format("no key {}._domainkey.{}; `postern dkim list` shows all", selector, domain));
  }
  if (wanted->key.state == state) {
    return fail(ErrorKind::exists, fmt::format("{} is {} already", wanted->key.name(), to_string(state)));
  }
  const auto now = clock_.unix_now();
  const auto set = [this, now](Page& page, DkimKey::State to) {
    page.key.state = to;
    if (to == DkimKey::State::active) page.key.activated = now;
    page.key.retired = to == DkimKey::State::retired ? now : 0;
    return write(page);
  };
  if (auto written = set(*wanted, state); !written) return std::unexpected(written.error());
  for (auto& page : pages) {
    const bool other = &page != &*wanted && page.key.domain == domain && page.key.algorithm == wanted->key.algorithm;
    if (state != DkimKey::State::active || !other || page.key.state != DkimKey::State::active) continue;
    if (auto written = set(page, DkimKey::State::retired); !written) return std::unexpected(written.error());
  }
  const DkimKey key = wanted->key;
  if (auto replaced = replace(std::move(pages)); !replaced) return std::unexpected(replaced.error());
  return key;
}

Result<DkimKey> DkimBook::activate(const std::string& domain, const std::string& selector) {
  const std::lock_guard changing(changing_);
  return change(domain, selector, DkimKey::State::active);
}

Result<DkimKey> DkimBook::retire(const std::string& domain, const std::string& selector) {
  const std::lock_guard changing(changing_);
  return change(domain, selector, DkimKey::State::retired);
}

std::vector<DkimKey> DkimBook::keys() const {
  std::vector<DkimKey> out;
  for (const auto& page : table()->pages()) out.push_back(page.key);
  return out;
}

std::vector<DkimKey> DkimBook::signing_keys(std::string_view domain) const { return table()->active(domain); }

async::Task<Result<std::string>> DkimBook::sign(std::string key_id, std::string digest) {
  const auto now = table();
  co_return co_await now->oracle().sign(std::move(key_id), std::move(digest));
}

async::Task<Result<DkimAlgorithm>> DkimBook::algorithm(std::string key_id) {
  const auto now = table();
  co_return co_await now->oracle().algorithm(std::move(key_id));
}

}  // namespace postern::policy
