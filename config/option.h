// SPDX-License-Identifier: Apache-2.0
// The table of options: one row for each key, with its reader, its writer, its manual. Everything that deals with keys
// (parsing, the sample file, suggestions, what a reload can change) walks this table; nothing else lists keys.
//
//   Builder<Limits>("limits", at, "Everything an outsider can grow.")
//       .number("connections_total", &Limits::connections_total, {10, 1'000'000}, "Connections of all services together.")
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/value.h"

namespace postern::config {

/// A row. read() refuses with an Error whose text says what to write instead; show() gives TOML text.
struct Option {
  std::string key;
  std::string doc;
  bool at_restart = false;  ///< a reload does not reach it
  std::function<Result<void>(Config&, const Value&)> read;
  std::function<std::string(Config&)> show;
};

/// A table of the file. A repeated section ([[tls.sni]]) begins a new element with begin(), which its rows then fill.
struct Section {
  std::string name;
  std::string doc;
  std::vector<Option> options;
  std::function<void(Config&)> begin;  ///< empty unless repeated
  std::vector<std::string> required;   ///< keys that each element of a repeated section must have
  bool repeated() const { return static_cast<bool>(begin); }
};

/// The whole table, in the order of the sample file.
std::vector<Section> sections();
std::vector<Section> server_sections();          ///< options_server.cc
std::vector<Section> limit_sections();           ///< options_limits.cc
std::vector<Section> gate_sections();            ///< options_gate.cc
std::vector<Section> trace_sections();           ///< trace.cc
std::vector<Section> authentication_sections();  ///< authentication.cc
std::vector<Section> delivery_sections();        ///< options_delivery.cc
/// The rows of [submission] that fill config/way_out.h.
std::vector<Option> submission_more_rows();
/// Those of [outbound].
std::vector<Option> outbound_more_rows();
/// [[route]], of config/route.cc.
Section device_section();  ///< device.cc
Section route_section();
/// [mta_sts], of config/mta_sts.cc.
Section mta_sts_section();
/// [reports], of config/reports.cc.
Section reports_section();
std::vector<Section> way_out_sections();  ///< way_out.cc
std::vector<Section> store_sections();    ///< options_store.cc

struct Range {
  std::uint64_t least;
  std::uint64_t most;
};

/// A host name in canonical form, for Builder::name().
Result<std::string> host_name(std::string_view text);
/// The same, or nothing.
Result<std::string> host_name_or_empty(std::string_view text);

// Readers and writers of single values.
Result<std::uint64_t> read_number(const Value& value, Range range);
Result<Bytes> read_size(const Value& value, Range range);
Result<Duration> read_duration(const Value& value, Range range);
/// Each item in the range; at least one item.
Result<std::vector<Duration>> read_durations(const Value& value, Range range);
Result<std::string> read_text(const Value& value);
Result<bool> read_switch(const Value& value);
Result<double> read_decimal(const Value& value, Range range);
Result<std::vector<std::string>> read_list(const Value& value);
/// "256KiB"; whole units only, otherwise plain bytes.
std::string show_size(Bytes bytes);
/// "30m".
std::string show_duration(Duration duration);
std::string show_durations(const std::vector<Duration>& durations);
std::string show_text(std::string_view text);
std::string show_list(const std::vector<std::string>& items);

/// Collects the rows of one section. S is the struct, At finds it in a Config.
template <class S>
class Builder {
 public:
  using At = S& (*)(Config&);
  Builder(std::string name, At at, std::string doc) : at_(at) {
    section_.name = std::move(name);
    section_.doc = std::move(doc);
  }

  Builder& number(std::string key, std::unsigned_integral auto S::* field, Range range, std::string doc) {
    return row(
        std::move(key), std::move(doc), field, [range](const Value& v) { return read_number(v, range); },
        [](auto n) { return std::to_string(n); });
  }
  Builder& size(std::string key, Bytes S::* field, Range range, std::string doc) {
    return row(std::move(key), std::move(doc), field, [range](const Value& v) { return read_size(v, range); }, show_size);
  }
  Builder& duration(std::string key, Duration S::* field, Range range, std::string doc) {
    return row(std::move(key), std::move(doc), field, [range](const Value& v) { return read_duration(v, range); }, show_duration);
  }
  Builder& text(std::string key, std::string S::* field, std::string doc) {
    return row(std::move(key), std::move(doc), field, read_text, show_text);
  }
  /// A text that `canonical` checks and rewrites.
  Builder& name(std::string key, std::string S::* field, Result<std::string> (*canonical)(std::string_view), std::string doc) {
    auto read = [canonical](const Value& v) -> Result<std::string> {
      const auto text = read_text(v);
      return text ? canonical(*text) : text;
    };
    return row(std::move(key), std::move(doc), field, read, show_text);
  }
  Builder& path(std::string key, std::filesystem::path S::* field, std::string doc) {
    return row(std::move(key), std::move(doc), field, read_text, [](const auto& p) { return show_text(p.string()); });
  }
  Builder& flag(std::string key, bool S::* field, std::string doc) {
    return row(std::move(key), std::move(doc), field, read_switch, [](bool on) { return std::string(on ? "true" : "false"); });
  }
  Builder& decimal(std::string key, double S::* field, Range range, std::string doc) {
    return row(
        std::move(key), std::move(doc), field, [range](const Value& v) { return read_decimal(v, range); },
        [](double d) { return fmt::format("{}", d); });
  }
  Builder& list(std::string key, std::vector<std::string> S::* field, std::string doc) {
    return row(std::move(key), std::move(doc), field, read_list, show_list);
  }
  Builder& durations(std::string key, std::vector<Duration> S::* field, Range range, std::string doc) {
    return row(
        std::move(key), std::move(doc), field, [range](const Value& v) { return read_durations(v, range); }, show_durations);
  }
  /// One word of a few, each with its meaning.
  template <class E>
  Builder& choice(std::string key, E S::* field, std::vector<std::pair<std::string, E>> words, std::string doc);
  /// A text that T::parse reads and to_string writes.
  template <class T>
  Builder& parsed(std::string key, T S::* field, Result<T> (*parse)(std::string_view), std::string doc);
  /// A list of such texts.
  template <class T>
  Builder& parsed_list(std::string key, std::vector<T> S::* field, Result<T> (*parse)(std::string_view), std::string doc);

  /// The rows so far take effect at the next start only.
  Builder& at_restart() {
    for (auto& option : section_.options) option.at_restart = true;
    return *this;
  }
  /// Makes the section a repeated one.
  Builder& repeated(void (*begin)(Config&), std::vector<std::string> required) {
    section_.begin = begin;
    section_.required = std::move(required);
    return *this;
  }
  Section done() { return std::move(section_); }

 private:
  template <class T, class Read, class Show>
  Builder& row(std::string key, std::string doc, T S::* field, Read read, Show show) {
    Option option{.key = std::move(key), .doc = std::move(doc)};
    option.read = [at = at_, field, read](Config& config, const Value& value) -> Result<void> {
      auto result = read(value);
      if (!result) return std::unexpected(result.error());
      at(config).*field = static_cast<T>(std::move(*result));
      return {};
    };
    option.show = [at = at_, field, show](Config& config) { return show(at(config).*field); };
    section_.options.push_back(std::move(option));
    return *this;
  }

  At at_;
  Section section_;
};

/// The name of an element in words as `"a", "b" or "c"`.
std::string alternatives(std::span<const std::string> words);

template <class S>
template <class E>
Builder<S>& Builder<S>::choice(std::string key, E S::* field, std::vector<std::pair<std::string, E>> words, std::string doc) {
  auto read = [words](const Value& value) -> Result<E> {
    const auto* word = std::get_if<std::string>(&value);
    std::vector<std::string> names;
    for (const auto& [name, meaning] : words) {
      if (word != nullptr && *word == name) return meaning;
      names.push_back(name);
    }
    const auto given = word == nullptr ? type_of(value) : show_text(*word);
    return fail(ErrorKind::invalid, fmt::format("{} is not possible; write {}", given, alternatives(names)));
  };
  auto show = [words](E meaning) {
    for (const auto& [name, other] : words) {
      if (other == meaning) return show_text(name);
    }
    return std::string();
  };
  return row(std::move(key), std::move(doc), field, read, show);
}

template <class S>
template <class T>
Builder<S>& Builder<S>::parsed(std::string key, T S::* field, Result<T> (*parse)(std::string_view), std::string doc) {
  auto read = [parse](const Value& value) -> Result<T> {
    const auto text = read_text(value);
    if (!text) return std::unexpected(text.error());
    return parse(*text);
  };
  return row(std::move(key), std::move(doc), field, read, [](const T& item) { return show_text(item.to_string()); });
}

template <class S>
template <class T>
Builder<S>& Builder<S>::parsed_list(std::string key, std::vector<T> S::* field, Result<T> (*parse)(std::string_view),
                                    std::string doc) {
  auto read = [parse](const Value& value) -> Result<std::vector<T>> {
    const auto texts = read_list(value);
    if (!texts) return std::unexpected(texts.error());
    std::vector<T> out;
    for (const auto& text : *texts) {
      auto item = parse(text);
      if (!item) return std::unexpected(item.error());
      out.push_back(std::move(*item));
    }
    return out;
  };
  auto show = [](const std::vector<T>& items) {
    std::vector<std::string> texts;
    for (const auto& item : items) texts.push_back(item.to_string());
    return show_list(texts);
  };
  return row(std::move(key), std::move(doc), field, read, show);
}

}  // namespace postern::config
