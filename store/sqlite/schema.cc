// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.h"

#include <array>

namespace postern::store::sqlite {

namespace {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char mail_0001[] = {
#embed "schema/mail_0001.sql" suffix(, )
    0};
constexpr char mail_0002[] = {
#embed "schema/mail_0002.sql" suffix(, )
    0};
constexpr char auth_0001[] = {
#embed "schema/auth_0001.sql" suffix(, )
    0};
constexpr char auth_0002[] = {
#embed "schema/auth_0002.sql" suffix(, )
    0};
constexpr char state_0001[] = {
#embed "schema/state_0001.sql" suffix(, )
    0};
constexpr char trace_0001[] = {
#embed "schema/trace_0001.sql" suffix(, )
    0};
#pragma clang diagnostic pop

constexpr std::array<const char*, 2> mail_steps{mail_0001, mail_0002};
constexpr std::array<const char*, 2> auth_steps{auth_0001, auth_0002};
constexpr std::array<const char*, 1> state_steps{state_0001};
constexpr std::array<const char*, 1> trace_steps{trace_0001};

}  // namespace

SchemaSteps mail_schema() { return mail_steps; }
SchemaSteps auth_schema() { return auth_steps; }
SchemaSteps state_schema() { return state_steps; }
SchemaSteps trace_schema() { return trace_steps; }

Result<> migrate(Database& db, const std::filesystem::path& path, SchemaSteps steps, Log& log) {
  try {
    const auto have = static_cast<std::size_t>(db.integer(0, "PRAGMA user_version"));
    if (have == steps.size()) return {};
    if (have > steps.size()) {
      return fail(
          ErrorKind::unsupported,
          fmt::format("{} has schema version {}, this postern knows versions up to {}: run the postern that wrote it, or restore "
                      "a copy made before its upgrade",
                      path.string(), have, steps.size()));
    }
    if (have > 0) {
      const std::filesystem::path copy = path.string() + ".before-" + std::to_string(steps.size());
      if (auto copied = db.copy_to(copy); !copied) return copied;
      log.info("store", "schema upgrade",
               {{"database", path.string()}, {"from", have}, {"to", steps.size()}, {"copy", copy.string()}});
    }
    for (std::size_t version = have; version < steps.size(); ++version) {
      TransactionGuard guard(db);
      db.script(steps[version]);
      db.script(("PRAGMA user_version=" + std::to_string(version + 1)).c_str());
      guard.commit();
    }
    return {};
  } catch (const SqlError& error) {
    return fail(error.error.kind, path.string() + ": " + error.error.text);
  }
}

}  // namespace postern::store::sqlite
