// Pickles and files of torch.save written by hand, for tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/test_support.h"
#include "formats/zip_for_test.h"

namespace valence::testing {

inline std::string text(std::string_view value) {
  return std::string("X").append(little_endian(static_cast<uint32_t>(value.size()))).append(value);
}

inline std::string number(int64_t value) { return std::string("\x8a\x08", 2) + little_endian(value); }

inline std::string numbers(const std::vector<int64_t>& values) {
  std::string out = "(";
  for (const int64_t value : values) out += number(value);
  return out += 't';
}

// What a case changes about the tensor "w", F32 [2, 3] in storage "0" of 6 elements.
struct Tensor {
  std::string type = "FloatStorage";
  std::string key = "0";
  std::string count = number(6);
  std::string offset = number(0);
  std::string shape = numbers({2, 3});
  std::string strides = numbers({3, 1});
};

inline std::string rebuild(const Tensor& t) {
  std::string out = "ctorch._utils\n_rebuild_tensor_v2\n((";
  out += text("storage") + "ctorch\n" + t.type + "\n" + text(t.key) + text("cpu") + t.count + "tQ";
  out += t.offset + t.shape + t.strides;
  return out +=
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

inline std::string dict_of(const std::string& value, std::string_view name = "w") {
  return std::string("\x80\x02}(").append(text(name)).append(value).append("u.");
}

inline std::string file_of(const std::string& pickle, const std::string& storage = std::string(24, 's')) {
  return make_zip({{"archive/data.pkl", pickle}, {"archive/data/0", storage}});
}

}  // namespace valence::testing
