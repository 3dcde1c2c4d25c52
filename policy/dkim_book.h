// SPDX-License-Identifier: Apache-2.0
// DkimBook: the keys that sign our mail, one file "SELECTOR._domainkey.DOMAIN.key" for each in the data folder, readable by its
// owner alone. Backups take them along as they take every *.key.
//
// A key goes through three states. Waiting: it was made, its record is not known to be published yet; it signs nothing, so that
// nobody sees a signature that he cannot check. Active: it signs what its domain's people write. Retired: it signs nothing
// more, its record should stay until mail signed with it has been checked everywhere.
// Invariant: a domain has at most one active key of each algorithm; activating one retires the other.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "policy/dkim_key.h"

namespace postern::policy {

/// Octets of one string of a TXT record (RFC 1035 §3.3).
inline constexpr std::size_t txt_string_max = 255;
/// Size of RSA keys when nobody says another one; larger ones do not fit into one string and gain little (RFC 8301 §3.2).
inline constexpr int rsa_bits_usual = rsa_bits_good;

/// What may be known of a key.
struct DkimKey {
  enum class State : std::uint8_t { waiting, active, retired };
  std::string domain;    ///< canonical ASCII
  std::string selector;  ///< lower case
  DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
  int bits = 0;
  State state = State::waiting;
  UnixTime created = 0;
  UnixTime activated = 0;  ///< 0: never
  UnixTime retired = 0;    ///< 0: it is not
  std::string public_key;  ///< base64
  bool is_ed25519() const { return algorithm == DkimAlgorithm::ed25519_sha256; }
  /// Where the record belongs: "selector._domainkey.domain". Names the key too.
  std::string name() const { return selector + "._domainkey." + domain; }
  /// The text to publish (RFC 6376 §3.6.1, RFC 8463 §4).
  std::string record() const;
};
std::string_view to_string(DkimKey::State state);

/// A record's text in strings of at most 255 octets.
std::vector<std::string> txt_strings(std::string_view record);

/// Thread-safe. Changes are durable when they return.
class DkimBook final : public KeyOracle {
 public:
  struct Wish {
    std::string domain;
    std::string selector;  ///< empty: made from the algorithm and the day
    DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
    int bits = rsa_bits_usual;  ///< of RSA: 1024 to 4096
    bool at_once = false;       ///< active without waiting for the record
  };

  /// Reads all keys of the folder; a missing one is an empty book. Errors name the file: denied (others may read it), corrupt, of
  /// reading.
  static Result<std::unique_ptr<DkimBook>> open(std::filesystem::path folder, const Clock& clock);
  ~DkimBook() override;

  /// Makes a key; takes up to seconds for large RSA keys. Errors: invalid (a name, a size), exists, of writing.
  Result<DkimKey> create(Wish wish);
  /// Errors: not_found, exists (it is active), of writing.
  Result<DkimKey> activate(const std::string& domain, const std::string& selector);
  /// Errors: not_found, exists (it is retired), of writing.
  Result<DkimKey> retire(const std::string& domain, const std::string& selector);
  /// All keys, by domain and then age.
  std::vector<DkimKey> keys() const;
  /// The active keys for mail written in this domain: its own, or those of the nearest domain above that has any.
  std::vector<DkimKey> signing_keys(std::string_view domain) const;

  async::Task<Result<std::string>> sign(std::string key_id, std::string digest) override;
  async::Task<Result<DkimAlgorithm>> algorithm(std::string key_id) override;

 private:
  struct Page;
  class Table;
  DkimBook(std::filesystem::path folder, const Clock& clock);
  std::shared_ptr<const Table> table() const;
  Result<> write(const Page& page) const;
  Result<> replace(std::vector<Page> pages);
  Result<DkimKey> change(const std::string& domain, const std::string& selector, DkimKey::State state);
  std::string new_selector(const Wish& wish) const;

  std::filesystem::path folder_;
  const Clock& clock_;
  std::mutex changing_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_;
};

}  // namespace postern::policy
