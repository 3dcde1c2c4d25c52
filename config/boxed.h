// SPDX-License-Identifier: Apache-2.0
// Boxed: a part of the configuration that lives behind a pointer but is a value all the same: copied, compared and never
// empty. config.h names such a part without including it, so that a change of its options rebuilds only who reads them.
// Members are defined in config/boxed_impl.h, which the part's own .cc includes and instantiates.
#pragma once

#include <memory>

namespace postern::config {

template <class T>
class Boxed {
 public:
  Boxed();
  Boxed(const Boxed& other);
  Boxed& operator=(const Boxed& other);
  Boxed(Boxed&& other);
  Boxed& operator=(Boxed&& other);
  ~Boxed();
  const T& operator*() const { return *part_; }
  T& operator*() { return *part_; }
  const T* operator->() const { return part_.get(); }
  T* operator->() { return part_.get(); }
  bool operator==(const Boxed& other) const;

 private:
  std::unique_ptr<T> part_;
};

}  // namespace postern::config
