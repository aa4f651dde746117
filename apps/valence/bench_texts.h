// The texts that `valence bench` reads when it is given no file: written for it, from two words to two
// hundred, with a median of about 25 tokens as real reviews and posts have.
#pragma once

#include <span>
#include <string_view>

namespace valence::app {

std::span<const std::string_view> bench_texts();

}  // namespace valence::app
