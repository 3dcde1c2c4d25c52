// SPDX-License-Identifier: Apache-2.0
#include "admin/checks.h"

#include <algorithm>

#include "base/ascii.h"

namespace postern::admin {

namespace {

constexpr UnixTime day = 24 * 3600;
constexpr std::string_view renew = "; renew it and say: postern reload";

// A wildcard stands for one whole label, the first one.
bool covers(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return ascii::iequals(pattern, name);
  const auto dot = name.find('.');
  return dot != std::string_view::npos && ascii::iequals(pattern.substr(1), name.substr(dot));
}

}  // namespace

Failure configuration_failure(const std::filesystem::path& path, const std::vector<config::Problem>& problems) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) {
    return {exit_configuration, "there is no configuration " + path.string() + "; make one with: postern config sample > " +
                                    path.string() + ", or name yours with --config"};
  }
  Failure failure{exit_configuration, {}};
  for (const auto& problem : problems) failure.text += path.string() + ": " + config::to_string(problem) + "\n";
  return failure;
}

std::vector<std::string> certificate_warnings(const std::string& file, const net::CertificateInfo& info,
                                              std::string_view hostname, UnixTime now) {
  std::vector<std::string> out;
  if (info.not_after <= now) {
    out.push_back(fmt::format("{} expired {} days ago; clients will refuse it{}", file, (now - info.not_after) / day, renew));
  } else if (info.not_after - now < certificate_warning_time) {
    out.push_back(fmt::format("{} expires in {} days{}", file, (info.not_after - now) / day, renew));
  }
  if (info.not_before > now) out.push_back(file + " is not valid yet; look at the clock of this machine");
  const bool named = std::ranges::any_of(info.names, [&](const auto& name) { return covers(name, hostname); });
  if (!hostname.empty() && !named) {
    out.push_back(fmt::format("{} is for {}, not for server.hostname {}; get one that names it", file,
                              fmt::join(info.names, ", "), hostname));
  }
  return out;
}

std::vector<net::CertificateFiles> certificate_files(const config::Tls& tls) {
  std::vector<net::CertificateFiles> pairs;
  if (!tls.certificate.empty()) pairs.push_back({tls.certificate, tls.key});
  for (const auto& sni : tls.sni) pairs.push_back({sni.certificate, sni.key});
  return pairs;
}

}  // namespace postern::admin
