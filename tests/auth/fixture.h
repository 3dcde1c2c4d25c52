// SPDX-License-Identifier: Apache-2.0
// A whole auth in one object: store in memory, directory with alice, bob and a disabled carol, service with cheap hashes, a
// clock that stands still; and a SCRAM client that can be told to cheat.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/executor.h"
#include "auth/directory.h"
#include "auth/sasl.h"
#include "auth/service_factory.h"
#include "base/encoding.h"
#include "store/memory/memory.h"
#include "tests/support/folder.h"

namespace postern::auth::testing {

inline constexpr const char* right_password = "kettle orbit famine lantern";
inline constexpr const char* wrong_password = "kettle orbit famine candle";

/// libsasl2 runs once in a process.
inline SaslLibrary& sasl_library() {
  static Log log(LogLevel::off, null_sink());
  static auto library = SaslLibrary::start(log);
  return *library.value();
}

/// Hashes that take under a millisecond.
inline HashCost cheap() { return {.argon2_memory = 8192, .argon2_ops = 1, .scram_iterations = 64}; }

/// Forwards to another Credentials; can fail, count reads, and hold readers back.
class WatchedCredentials final : public store::Credentials {
 public:
  explicit WatchedCredentials(store::Credentials& real) : real_(real) {}

  std::optional<Error> broken;
  std::atomic<int> reads = 0;
  std::mutex gate;         ///< a test that holds it stops get_now()
  std::mutex record_gate;  ///< the same for record_logins()
  std::atomic<unsigned> record_batches = 0;

  store::Task<Result<std::vector<store::CredentialRow>>> get(store::AccountId account) override { return real_.get(account); }
  Result<store::CredentialSet> get_now(store::AccountId account) override {
    ++reads;
    const std::lock_guard lock(gate);
    if (broken) return std::unexpected(*broken);
    return real_.get_now(account);
  }
  store::Task<Result<store::CredentialId>> add(store::CredentialRow row) override { return real_.add(std::move(row)); }
  store::Task<Result<store::CredentialId>> set_password(store::CredentialRow row) override {
    return real_.set_password(std::move(row));
  }
  store::Task<Result<>> remove(store::AccountId account, store::CredentialId id) override { return real_.remove(account, id); }
  store::Task<Result<>> remove_all(store::AccountId account) override { return real_.remove_all(account); }
  store::Task<Result<std::vector<std::string>>> history(store::AccountId account, std::size_t most) override {
    return real_.history(account, most);
  }
  store::Task<Result<std::vector<store::AccountId>>> owners() override { return real_.owners(); }
  store::Task<Result<>> replace_sealed(store::CredentialRow old, std::string sealed) override {
    return real_.replace_sealed(std::move(old), std::move(sealed));
  }
  store::Task<Result<store::LoginPolicy>> policy(store::AccountId account) override { return real_.policy(account); }
  store::Task<Result<>> set_policy(store::AccountId account, store::LoginPolicy policy) override {
    return real_.set_policy(account, policy);
  }
  store::Task<Result<std::vector<store::NewNetwork>>> record_logins(std::vector<store::LoginRow> rows,
                                                                    store::LoginRetention keep) override {
    const std::lock_guard lock(record_gate);
    ++record_batches;
    return real_.record_logins(std::move(rows), keep);
  }
  store::Task<Result<std::vector<store::LoginRow>>> logins(store::LoginQuery query) override { return real_.logins(query); }
  store::Task<Result<std::vector<store::KnownNetwork>>> known_networks(std::optional<store::AccountId> account) override {
    return real_.known_networks(account);
  }
  store::Task<Result<>> add_known_network(store::KnownNetwork network) override {
    return real_.add_known_network(std::move(network));
  }
  store::Task<Result<>> flag_weak(store::WeakRow row) override { return real_.flag_weak(std::move(row)); }
  store::Task<Result<>> clear_weak(store::CredentialId credential) override { return real_.clear_weak(credential); }
  store::Task<Result<std::vector<store::WeakRow>>> weak() override { return real_.weak(); }

 private:
  store::Credentials& real_;
};

struct House {
  /// Everything that can be configured, channel binding too; hashes that cost nothing.
  static Settings all_mechanisms() {
    Settings all;
    all.mechanisms.insert(all.mechanisms.begin(), "SCRAM-SHA-256-PLUS");
    all.cost = cheap();
    return all;
  }

  explicit House(Settings wanted = all_mechanisms()) : settings(std::move(wanted)) {
    settings.key_file = folder.path() / "auth.key";
    settings.hostname = "mx.example.org";
    async::run_alone(fill());
  }

  async::Task<> fill() {
    (co_await directory.load()).value();
    (co_await directory.add_domain("example.org")).value();
    alice = (co_await directory.add_account("alice@example.org", {.name = "Alice Liddell"})).value();
    bob = (co_await directory.add_account("bob@example.org", {})).value();
    carol = (co_await directory.add_account("carol@example.org", {})).value();
    auto front = (co_await make_front({credentials, directory, sasl_library(), clock, log, metrics}, settings)).value();
    office = std::move(front.office);
    service = std::move(front.service);
    for (const auto id : {alice, carol}) (co_await service->set_password(id, Secret(right_password))).value();
    auto row = *directory.account(carol);
    row.enabled = false;
    (co_await directory.set_account(row)).value();
  }

  static Origin from(std::string ip = "192.0.2.1") { return {Protocol::imap, std::move(ip), true, {}}; }

  Step login(std::string user, std::string_view password, Origin origin = from()) {
    return async::run_alone(service->login(std::move(origin), std::move(user), Secret(password)));
  }
  /// A whole exchange: the first line is the initial response.
  std::vector<Step> exchange(std::string mechanism, std::vector<std::string> replies, Origin origin = from()) {
    return async::run_alone(talk(std::move(mechanism), std::move(replies), std::move(origin)));
  }

  Result<> set_password(store::AccountId id, std::string_view password) {
    return async::run_alone(service->set_password(id, Secret(password)));
  }

  test::Folder folder;
  FakeClock clock;
  std::vector<std::string> lines;  ///< of the log
  Log log{LogLevel::info, [this](LogLevel, std::string_view line) { lines.emplace_back(line); }};
  Metrics metrics;
  std::unique_ptr<store::memory::MemoryStore> store = store::memory::make(clock);
  WatchedCredentials credentials{store->credentials()};
  Directory directory{store->accounts(), log};
  Settings settings;
  store::AccountId alice = 0, bob = 0, carol = 0;
  std::unique_ptr<Office> office;
  std::unique_ptr<Service> service;

 private:
  async::Task<std::vector<Step>> talk(std::string mechanism, std::vector<std::string> replies, Origin origin) {
    std::vector<Step> steps;
    auto running = service->begin(std::move(origin));
    std::optional<std::string> initial;
    if (!replies.empty()) initial = replies.front();
    steps.push_back(co_await running->start(std::move(mechanism), std::move(initial)));
    for (std::size_t i = 1; i < replies.size(); ++i) {
      if (steps.back().login || steps.back().refusal) break;
      steps.push_back(co_await running->step(replies[i]));
    }
    co_return steps;
  }
};

/// Our own SCRAM-SHA-256 client (RFC 5802 §3), independent of the library under test.
struct ScramClient {
  std::string user = "alice@example.org";
  std::string password = right_password;
  std::string gs2 = "n,,";
  std::string binding;  ///< octets behind the GS2 header in c=
  std::string nonce = "rOprNGfwEbeRWgbNEkqO";
  std::string auth_message;
  std::string salted;

  std::string first() const { return gs2 + bare(); }
  std::string bare() const { return "n=" + user + ",r=" + nonce; }

  static std::string hmac(const std::string& key, const std::string& text) {
    std::string out(32, '\0');
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(out.data()), &size);
    return out;
  }
  static std::string field(const std::string& message, char name) {
    std::size_t at = 0;
    while (at < message.size()) {
      const auto end = std::min(message.find(',', at), message.size());
      if (message[at] == name) return message.substr(at + 2, end - at - 2);
      at = end + 1;
    }
    return {};
  }
  std::string final_message(const std::string& server_first) {
    const auto salt = base64_decode(field(server_first, 's')).value();
    salted.assign(32, '\0');
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(salt.data()),
                      static_cast<int>(salt.size()), std::stoi(field(server_first, 'i')), EVP_sha256(), 32,
                      reinterpret_cast<unsigned char*>(salted.data()));
    const auto without_proof = "c=" + base64_encode(gs2 + binding) + ",r=" + field(server_first, 'r');
    auth_message = bare() + "," + server_first + "," + without_proof;
    const auto client_key = hmac(salted, "Client Key");
    std::string stored(32, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(client_key.data()), 32, reinterpret_cast<unsigned char*>(stored.data()));
    auto proof = hmac(stored, auth_message);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
    return without_proof + ",p=" + base64_encode(proof);
  }
  std::string server_signature() const { return base64_encode(hmac(hmac(salted, "Server Key"), auth_message)); }
};

inline std::string plain_message(std::string_view authzid, std::string_view user, std::string_view password) {
  std::string out(authzid);
  out += '\0';
  out += user;
  out += '\0';
  out += password;
  return base64_encode(out);
}

}  // namespace postern::auth::testing
