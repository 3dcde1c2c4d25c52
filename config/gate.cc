// SPDX-License-Identifier: Apache-2.0
#include "config/gate.h"

#include "config/boxed_impl.h"

namespace postern::config {

template class Boxed<Gate>;

}  // namespace postern::config
