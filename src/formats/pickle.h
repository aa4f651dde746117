// Python pickles read as data: the part of protocol 2 that a state dict needs, and nothing is ever called.
//
// A pickle is a program for a small stack machine (pickletools.py of CPython documents every opcode). Here a
// call (REDUCE) becomes a node that names what would be called; only names of a list given by the caller are
// accepted at all. Opcodes that a state dict does not need are refused by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace valence::formats {

using PickleId = uint32_t;

struct PickleNode {
  enum class Kind {
    kNone,
    kBool,        // integer
    kInteger,     // integer
    kText,        // text
    kTuple,       // items
    kList,        // items
    kDict,        // items: key, value, key, value, …
    kGlobal,      // text: "module name", with a blank between
    kCall,        // text: what is called; integer: the id of its tuple of arguments
    kPersistent,  // integer: the id of the tuple that names an object outside of the pickle
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  std::string_view text;  // points into the pickle, or into the list of allowed names
  std::vector<PickleId> items;
};

// The nodes of one pickle. They refer to each other by number, so neither depth nor cycles can hurt.
struct Pickle {
  std::vector<PickleNode> nodes;
  PickleId root = 0;
  size_t size = 0;  // bytes of the pickle; more may follow

  const PickleNode& operator[](int64_t id) const { return nodes[static_cast<size_t>(id)]; }
};

// The OrderedDict of a state dict: called without arguments it becomes a kDict.
inline constexpr std::string_view kOrderedDict = "collections OrderedDict";

// Reads the pickle at the beginning of `program`; `allowed` holds "module name" for each Python name that may
// occur. Errors: kBadData, naming the opcode or the Python name, and the byte at which it stands.
Pickle read_pickle(std::span<const std::byte> program, std::span<const std::string_view> allowed,
                   const std::string& where);

}  // namespace valence::formats
