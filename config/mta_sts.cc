// SPDX-License-Identifier: Apache-2.0
// The rows of [mta_sts].
#include "config/mta_sts.h"

#include "config/gate.h"
#include "config/option.h"

namespace postern::config {

namespace {

constexpr std::uint64_t day = 86'400;
constexpr std::uint64_t longest_age = 31'557'600;  // RFC 8461 §3.2

/// "mx.example.org" or "*.example.org".
struct MxPattern {
  static Result<std::string> parse(std::string_view text) {
    const bool star = text.starts_with("*.");
    auto name = host_name(star ? text.substr(2) : text);
    if (name && star) name->insert(0, "*.");
    return name;
  }
};

Option mx_option() {
  Option option{.key = "mx",
                .doc =
                    "Our mail servers, as the MX records of our domains name them; \"*.example.org\" stands for one label.\n"
                    "Empty: server.hostname."};
  option.read = [](Config& config, const Value& value) -> Result<void> {
    const auto texts = read_list(value);
    if (!texts) return std::unexpected(texts.error());
    auto& out = config.gate->mta_sts.mx;
    out.clear();
    for (const auto& text : *texts) {
      auto one = MxPattern::parse(text);
      if (!one) return std::unexpected(one.error());
      out.push_back(*std::move(one));
    }
    return {};
  };
  option.show = [](Config& config) { return show_list(config.gate->mta_sts.mx); };
  return option;
}

}  // namespace

Section mta_sts_section() {
  using Mode = MtaSts::Mode;
  auto section =
      Builder<MtaSts>(
          "mta_sts", [](Config& c) -> MtaSts& { return c.gate->mta_sts; },
          "What other servers shall demand of TLS for mail to our domains (RFC 8461). The `http` listener answers for\n"
          "https://mta-sts.DOMAIN/.well-known/mta-sts.txt behind a proxy that has a certificate for that name;\n"
          "`postern tls policy` shows what to publish in DNS.")
          .choice(
              "mode", &MtaSts::mode,
              {{"off", Mode::off}, {"none", Mode::none}, {"testing", Mode::testing}, {"enforce", Mode::enforce}},
              "\"off\": no page. \"testing\": failures are reported, mail comes nevertheless. \"enforce\": no mail without a\n"
              "certificate that proves our name. \"none\": takes an earlier policy back; serve it for max_age before \"off\".")
          .duration("max_age", &MtaSts::max_age, {day, longest_age}, "How long others keep the policy.")
          .done();
  section.options.insert(section.options.begin() + 1, mx_option());
  return section;
}

}  // namespace postern::config
