// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace valence::app {

std::string fixed(double value, int digits);  // "12.30"
std::string human_bytes(uint64_t bytes);      // "512 B", "24.9 MB": decimal, as file sizes are given
std::string human_memory(uint64_t bytes);     // "32 KiB", "7.8 GiB": binary, as memory and caches are given
std::string count_of(int64_t count, const std::string& noun);  // "1 core", "2 cores"

}  // namespace valence::app
