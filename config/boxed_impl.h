// SPDX-License-Identifier: Apache-2.0
// Members of config::Boxed, for the .cc file that knows the boxed part; it ends with `template class Boxed<Part>;`.
#pragma once

#include <utility>

#include "config/boxed.h"

namespace postern::config {

template <class T>
Boxed<T>::Boxed() : part_(std::make_unique<T>()) {}
template <class T>
Boxed<T>::Boxed(const Boxed& other) : part_(std::make_unique<T>(*other.part_)) {}
template <class T>
Boxed<T>& Boxed<T>::operator=(const Boxed& other) {
  *part_ = *other.part_;
  return *this;
}
// A box that was moved from holds the defaults: it is never empty.
template <class T>
Boxed<T>::Boxed(Boxed&& other) : part_(std::make_unique<T>()) {
  part_.swap(other.part_);
}
template <class T>
Boxed<T>& Boxed<T>::operator=(Boxed&& other) {
  part_.swap(other.part_);
  return *this;
}
template <class T>
Boxed<T>::~Boxed() = default;
template <class T>
bool Boxed<T>::operator==(const Boxed& other) const {
  return *part_ == *other.part_;
}

}  // namespace postern::config
