// SPDX-License-Identifier: Apache-2.0
// Two steps: the text to fields with their lines, then each line by the table of columns.
#include "admin/people_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "auth/access.h"
#include "auth/account_settings.h"
#include "auth/imported_hash.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::admin {
namespace {

constexpr std::size_t max_problems = 1'000;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

struct Record {
  std::size_t line = 1;
  std::vector<std::string> fields;
  bool broken_quotes = false;
};

/// RFC 4180 §2, with LF as well as CR LF between the lines:
///   record = field *( separator field )     field = escaped / non-escaped
class Reader {
 public:
  Reader(std::string_view text, char separator) : text_(text), separator_(separator) {}

  /// Nothing at the end.
  std::optional<Record> next() {
    while (at_ < text_.size()) {
      Record record{line_, {}, false};
      if (text_[at_] == '#') {
        skip_line();
        continue;
      }
      do {
        record.fields.push_back(field(record));
      } while (take(separator_));
      end_of_line();
      const bool empty = std::ranges::all_of(record.fields, [](const auto& one) { return ascii::trim(one).empty(); });
      if (!empty || record.broken_quotes) return record;
    }
    return std::nullopt;
  }

 private:
  bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!is(c)) return false;
    ++at_;
    return true;
  }
  bool at_line_end() const { return at_ >= text_.size() || is('\n') || text_.substr(at_).starts_with("\r\n"); }
  void end_of_line() {
    take('\r');
    if (take('\n')) ++line_;
  }
  void skip_line() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    end_of_line();
  }
  std::string field(Record& record) {
    if (take('"')) return quoted(record);
    std::string out;
    while (!at_line_end() && !is(separator_)) out += text_[at_++];
    return out;
  }
  std::string quoted(Record& record) {
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) {
        // Nothing but a separator or the end belongs behind the quote.
        record.broken_quotes = record.broken_quotes || (!at_line_end() && !is(separator_));
        while (!at_line_end() && !is(separator_)) ++at_;
        return out;
      }
      if (c == '\n') ++line_;
      out += c;
    }
    record.broken_quotes = true;
    return out;
  }

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

/// The sign that the header row has most of.
char separator_of(std::string_view text) {
  std::size_t from = 0;
  while (text.substr(from).starts_with('#') || text.substr(from).starts_with('\n') || text.substr(from).starts_with("\r\n")) {
    from = std::min(text.find('\n', from), text.size() - 1) + 1;
  }
  const auto header = text.substr(from, text.find('\n', from) - from);
  char best = ',';
  for (const char c : {';', '\t'}) {
    if (std::ranges::count(header, c) > std::ranges::count(header, best)) best = c;
  }
  return best;
}

/// Words between spaces and '|'.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto from = text.find_first_not_of(" \t\r\n|", at);
    if (from == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \t\r\n|", from), text.size());
    out.emplace_back(text.substr(from, at - from));
  }
  return out;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<bool> flag_of(std::string_view text) {
  for (const auto* word : {"yes", "true", "on", "1"}) {
    if (ascii::iequals(text, word)) return true;
  }
  for (const auto* word : {"no", "false", "off", "0"}) {
    if (ascii::iequals(text, word)) return false;
  }
  return std::nullopt;
}

// Each takes one field that is not empty; the text of the mistake is empty when all is well.
using Take = std::string (*)(PersonLine& person, const std::string& text);

std::string take_login(PersonLine& person, const std::string& text) {
  person.account.row.login = text;
  return text.find('@') == std::string::npos ? "write the whole address, for example alice@example.org" : "";
}
std::string take_name(PersonLine& person, const std::string& text) {
  person.account.row.name = text;
  return {};
}
std::string take_password(PersonLine& person, const std::string& text) {
  person.password = text;
  return {};
}
std::string take_hash(PersonLine& person, const std::string& text) {
  person.hash = text;
  const auto sound = auth::check_imported(text);
  return sound ? std::string() : sound.error().text;
}
std::string take_enabled(PersonLine& person, const std::string& text) {
  const auto flag = flag_of(text);
  person.account.row.enabled = flag.value_or(true);
  return flag ? "" : "write yes or no";
}
std::string take_when_disabled(PersonLine& person, const std::string& text) {
  using When = store::AccountRow::WhenDisabled;
  const bool accept = ascii::iequals(text, "accept");
  person.account.row.when_disabled = accept ? When::accept_mail : When::refuse_mail;
  return accept || ascii::iequals(text, "refuse") ? "" : "write accept or refuse";
}
std::string take_quota(PersonLine& person, const std::string& text) {
  const auto size = size_of_text(text);
  person.has_quota = true;
  person.account.row.quota_bytes = size.value_or(0);
  return size ? "" : "write a size such as 5GiB, or 0 for no limit";
}
std::string take_quota_messages(PersonLine& person, const std::string& text) {
  const auto number = number_of(text);
  person.has_quota_messages = true;
  person.account.row.quota_messages = number.value_or(0);
  return number ? "" : "write a number of messages, or 0 for no limit";
}
std::string take_protocols(PersonLine& person, const std::string& text) {
  std::string words = text;
  std::ranges::replace(words, ',', ' ');
  const auto bits = auth::protocol_bits(words_of(words));
  person.account.row.access.protocols = bits.value_or(store::AccessRules::every_protocol);
  return bits ? std::string() : bits.error().text;
}
std::string checked_rules(PersonLine& person) {
  auto rules = auth::canonical_rules(person.account.row.access);
  if (!rules) return rules.error().text;
  person.account.row.access = std::move(*rules);
  return {};
}
std::string take_networks(PersonLine& person, const std::string& text) {
  std::string words = text;
  std::ranges::replace(words, ',', ' ');
  person.account.row.access.networks = words_of(words);
  auto mistake = checked_rules(person);
  if (!mistake.empty()) person.account.row.access.networks.clear();
  return mistake;
}
std::string take_hours(PersonLine& person, const std::string& text) {
  person.account.row.access.hours = text;
  auto mistake = checked_rules(person);
  if (!mistake.empty()) person.account.row.access.hours.clear();
  return mistake;
}
std::string take_settings(PersonLine& person, const std::string& text) {
  std::map<std::string, std::string> given;
  for (const auto& word : words_of(text)) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return "write name=value, several with spaces between them";
    given[word.substr(0, equals)] = word.substr(equals + 1);
  }
  auto canonical = auth::canonical_settings(given);
  if (!canonical) return canonical.error().text;
  person.account.row.settings = std::move(*canonical);
  return {};
}
std::string take_aliases(PersonLine& person, const std::string& text) {
  person.account.aliases = words_of(text);
  return {};
}
std::string take_groups(PersonLine& person, const std::string& text) {
  person.account.groups = words_of(text);
  return {};
}
std::string take_send_as(PersonLine& person, const std::string& text) {
  person.account.send_as = words_of(text);
  return {};
}

struct Column {
  std::string_view name;
  Take take;
};
constexpr std::array columns{
    Column{"login", take_login},         Column{"name", take_name},
    Column{"password", take_password},   Column{"hash", take_hash},
    Column{"enabled", take_enabled},     Column{"when_disabled", take_when_disabled},
    Column{"quota", take_quota},         Column{"quota_messages", take_quota_messages},
    Column{"protocols", take_protocols}, Column{"networks", take_networks},
    Column{"hours", take_hours},         Column{"settings", take_settings},
    Column{"aliases", take_aliases},     Column{"groups", take_groups},
    Column{"send_as", take_send_as},
};

/// Names that other programs give the same columns.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> other_names{{{"address", "login"},
                                                                                    {"email", "login"},
                                                                                    {"e-mail", "login"},
                                                                                    {"user", "login"},
                                                                                    {"display_name", "name"},
                                                                                    {"full_name", "name"},
                                                                                    {"alias", "aliases"}}};

const Column* find_column(std::string_view text) {
  auto name = ascii::lower(ascii::trim(text));
  std::ranges::replace(name, ' ', '_');
  for (const auto& [other, ours] : other_names) {
    if (name == other) name = ours;
  }
  const auto* const at = std::ranges::find(columns, std::string_view(name), &Column::name);
  return at == columns.end() ? nullptr : at;
}

class Gatherer {
 public:
  explicit Gatherer(std::string_view text) : reader_(text, separator_of(text)) {}

  PeopleFile run() {
    if (read_header()) {
      while (const auto record = reader_.next()) {
        if (out_.people.size() == max_people) {
          tell(record->line, {}, fmt::format("more than {} people; split the file", max_people));
          break;
        }
        if (out_.problems.size() >= max_problems) break;
        take(*record);
      }
      if (out_.people.empty() && out_.problems.empty()) tell(1, {}, "there is nobody in the file; write one person a line");
    }
    return std::move(out_);
  }

 private:
  void tell(std::size_t line, std::string_view column, std::string text) {
    out_.problems.push_back({line, std::string(column), std::move(text)});
  }

  bool read_header() {
    const auto header = reader_.next();
    if (!header) {
      tell(1, {}, "the file is empty; its first line names the columns: " + people_columns());
      return false;
    }
    for (const auto& field : header->fields) {
      const auto* const column = find_column(field);
      const auto shown = std::string(ascii::trim(field)).substr(0, 60);
      if (column == nullptr) {
        tell(header->line, is_utf8(shown) ? shown : "", "there is no such column; there are " + people_columns());
      } else if (std::ranges::find(order_, column) != order_.end()) {
        tell(header->line, column->name, "the column is there twice");
      }
      order_.push_back(column);
    }
    if (std::ranges::find(order_, find_column("login")) == order_.end()) tell(header->line, "login", "the column is missing");
    return out_.problems.empty();
  }

  void take(const Record& record) {
    PersonLine person;
    person.line = record.line;
    if (record.broken_quotes)
      return tell(record.line, {}, "a quote is not closed, or followed by something; write \"\" for a quote");
    if (record.fields.size() > order_.size()) {
      return tell(record.line, {},
                  fmt::format("{} fields, but the header names {} columns; put a field with the separator in it "
                              "between quotes",
                              record.fields.size(), order_.size()));
    }
    for (std::size_t i = 0; i < record.fields.size(); ++i) take_field(person, *order_[i], record.fields[i]);
    if (person.account.row.login.empty()) tell(record.line, "login", "the address is missing");
    if (!person.password.empty() && !person.hash.empty()) tell(record.line, "hash", "give a password or a hash, not both");
    out_.people.push_back(std::move(person));
  }

  void take_field(PersonLine& person, const Column& column, const std::string& field) {
    // A password is taken as it stands.
    const auto text = column.name == "password" ? field : std::string(ascii::trim(field));
    if (text.empty()) return;
    if (!is_utf8(text) || text.find('\0') != std::string::npos) {
      return tell(person.line, column.name, "this is not UTF-8; save the file as UTF-8");
    }
    if (auto mistake = column.take(person, text); !mistake.empty()) tell(person.line, column.name, std::move(mistake));
  }

  Reader reader_;
  std::vector<const Column*> order_;
  PeopleFile out_;
};

}  // namespace

std::optional<std::uint64_t> size_of_text(std::string_view text) {
  constexpr std::array<std::string_view, 5> units{"", "k", "m", "g", "t"};
  constexpr std::uint64_t most = 1ULL << 50;
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = number_of(text.substr(0, digits));
  if (!number || *number > most) return std::nullopt;
  auto unit = ascii::lower(ascii::trim(text.substr(digits)));
  for (const auto* tail : {"ib", "b"}) {
    if (unit.ends_with(tail)) {
      unit.resize(unit.size() - std::string_view(tail).size());
      break;
    }
  }
  std::uint64_t value = *number;
  for (const auto& one : units) {
    if (unit == one) return value <= most ? std::optional(value) : std::nullopt;
    value = std::min(value * 1024, most + 1);
  }
  return std::nullopt;
}

std::string people_columns() {
  std::string out;
  for (const auto& one : columns) out += (out.empty() ? "" : ", ") + std::string(one.name);
  return out;
}

PeopleFile read_people(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return Gatherer(text).run();
}

}  // namespace postern::admin
