#include "formats/pickle.h"

#include <algorithm>

#include "base/error.h"
#include "formats/little_endian.h"

namespace valence::formats {
namespace {

using Kind = PickleNode::Kind;

// A state dict takes about 40 steps a tensor, so this is 50,000 tensors; a node has 56 bytes.
constexpr size_t kMaxSteps = 2'000'000;
constexpr size_t kMaxProgram = 64 << 20;
constexpr PickleId kNoNode = ~PickleId{0};

// What the refused opcodes are called, for messages.
struct OpcodeName {
  unsigned char code;
  const char* name;
};
constexpr OpcodeName kRefused[] = {{'0', "POP"},           {'1', "POP_MARK"},
                                   {'2', "DUP"},           {'F', "FLOAT"},
                                   {'I', "INT"},           {'L', "LONG"},
                                   {'P', "PERSID"},        {'S', "STRING"},
                                   {'T', "BINSTRING"},     {'U', "SHORT_BINSTRING"},
                                   {'V', "UNICODE"},       {'d', "DICT"},
                                   {'g', "GET"},           {'i', "INST"},
                                   {'l', "LIST"},          {'o', "OBJ"},
                                   {'p', "PUT"},           {'G', "BINFLOAT"},
                                   {'B', "BINBYTES"},      {'C', "SHORT_BINBYTES"},
                                   {0x81, "NEWOBJ"},       {0x82, "EXT1"},
                                   {0x83, "EXT2"},         {0x84, "EXT4"},
                                   {0x8b, "LONG4"},        {0x8c, "SHORT_BINUNICODE"},
                                   {0x8d, "BINUNICODE8"},  {0x8e, "BINBYTES8"},
                                   {0x8f, "EMPTY_SET"},    {0x90, "ADDITEMS"},
                                   {0x91, "FROZENSET"},    {0x92, "NEWOBJ_EX"},
                                   {0x93, "STACK_GLOBAL"}, {0x94, "MEMOIZE"},
                                   {0x95, "FRAME"},        {0x96, "BYTEARRAY8"},
                                   {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"}};

class PickleReader {
 public:
  PickleReader(std::span<const std::byte> program, std::span<const std::string_view> allowed,
               const std::string& where)
      : program_(program), allowed_(allowed), where_(where) {}

  Pickle read() {
    for (size_t steps = 0;; ++steps) {
      if (steps >= kMaxSteps || at_ > kMaxProgram) refuse("the pickle is too long for a state dict");
      opcode_at_ = at_;
      const auto opcode = take<unsigned char>();
      if (opcode == '.') break;
      if (!push_constant(opcode) && !build(opcode) && !remember(opcode)) refuse_opcode(opcode);
    }
    out_.root = pop();
    out_.size = at_;
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadData,
                where_ + ": " + what + " (byte " + std::to_string(opcode_at_) + " of the pickle)");
  }

  [[noreturn]] void refuse_opcode(unsigned char opcode) const {
    for (const OpcodeName& refused : kRefused) {
      if (refused.code == opcode)
        refuse(std::string("the pickle opcode ") + refused.name + " is not allowed in weights");
    }
    refuse("unknown pickle opcode " + std::to_string(opcode));
  }

  // Numbers, texts, names and empty containers: opcodes that push one value without popping any.
  bool push_constant(unsigned char opcode) {
    switch (opcode) {
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case 'N':
        push(Kind::kNone);
        return true;
      case 0x88:
        push(Kind::kBool, 1);
        return true;
      case 0x89:
        push(Kind::kBool, 0);
        return true;
      case 'J':
        push(Kind::kInteger, take<int32_t>());
        return true;
      case 'K':
        push(Kind::kInteger, take<uint8_t>());
        return true;
      case 'M':
        push(Kind::kInteger, take<uint16_t>());
        return true;
      case 0x8a:
        push(Kind::kInteger, take_long());
        return true;
      case 'X':
        push(Kind::kText, 0, take_text(take<uint32_t>()));
        return true;
      case 'c':
        push(Kind::kGlobal, 0, take_global());
        return true;
      case ')':
        push(Kind::kTuple);
        return true;
      case ']':
        push(Kind::kList);
        return true;
      case '}':
        push(Kind::kDict);
        return true;
      default:
        return false;
    }
  }

  // Opcodes that make something of values on the stack.
  bool build(unsigned char opcode) {
    switch (opcode) {
      case 't':
        push(Kind::kTuple, 0, {}, pop_to_mark());
        return true;
      case 0x85:
        push(Kind::kTuple, 0, {}, pop_many(1));
        return true;
      case 0x86:
        push(Kind::kTuple, 0, {}, pop_many(2));
        return true;
      case 0x87:
        push(Kind::kTuple, 0, {}, pop_many(3));
        return true;
      case 'a':
        extend(Kind::kList, pop_many(1));
        return true;
      case 'e':
        extend(Kind::kList, pop_to_mark());
        return true;
      case 's':
        extend(Kind::kDict, pop_many(2));
        return true;
      case 'u':
        extend(Kind::kDict, pop_to_mark());
        return true;
      case 'Q':
        push(Kind::kPersistent, pop());
        return true;
      case 'R':
        call();
        return true;
      case 'b':
        set_state();
        return true;
      default:
        return false;
    }
  }

  // The memo, by which a pickle refers to a value again; and the protocol, which changes nothing here.
  bool remember(unsigned char opcode) {
    switch (opcode) {
      case 0x80:
        take<uint8_t>();
        return true;
      case 'q':
        store(take<uint8_t>());
        return true;
      case 'r':
        store(take<uint32_t>());
        return true;
      case 'h':
        recall(take<uint8_t>());
        return true;
      case 'j':
        recall(take<uint32_t>());
        return true;
      default:
        return false;
    }
  }

  // A call without effect: OrderedDict() is an empty dict, anything else a node for the caller to read.
  void call() {
    const PickleId arguments = pop(), callee = pop();
    const PickleNode& function = out_.nodes[callee];
    if (function.kind != Kind::kGlobal || out_.nodes[arguments].kind != Kind::kTuple) {
      refuse("REDUCE needs a Python name and a tuple");
    }
    if (function.text != kOrderedDict) {
      push(Kind::kCall, arguments, function.text);
    } else if (out_.nodes[arguments].items.empty()) {
      push(Kind::kDict);
    } else {
      refuse("OrderedDict with arguments is not allowed in weights");
    }
  }

  // A state dict carries the versions of its modules as an attribute: {"_metadata": …}. It is dropped.
  void set_state() {
    const PickleNode& state = out_.nodes[pop()];
    const Kind object = out_.nodes[top()].kind;
    const bool metadata = state.kind == Kind::kDict && state.items.size() == 2 &&
                          out_.nodes[state.items[0]].kind == Kind::kText &&
                          out_.nodes[state.items[0]].text == "_metadata";
    if (object != Kind::kDict || !metadata) refuse("BUILD sets more than a state dict's _metadata");
  }

  void extend(Kind kind, const std::vector<PickleId>& items) {
    PickleNode& container = out_.nodes[top()];
    if (container.kind != kind) refuse("items are added to something that cannot hold them");
    if (kind == Kind::kDict && items.size() % 2 != 0) refuse("a dict gets a key without a value");
    container.items.insert(container.items.end(), items.begin(), items.end());
  }

  // Indices count up from 0, one for each value.
  void store(uint32_t index) {
    if (index >= kMaxSteps) refuse("memo index " + std::to_string(index) + " is beyond any state dict");
    if (index >= memo_.size()) memo_.resize(index + 1, kNoNode);
    memo_[index] = top();
  }

  void recall(uint32_t index) {
    if (index >= memo_.size() || memo_[index] == kNoNode) {
      refuse("memo index " + std::to_string(index) + " was never set");
    }
    stack_.push_back(memo_[index]);
  }

  void push(Kind kind, int64_t integer = 0, std::string_view text = {}, std::vector<PickleId> items = {}) {
    out_.nodes.push_back({kind, integer, text, std::move(items)});
    stack_.push_back(static_cast<PickleId>(out_.nodes.size() - 1));
  }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleId top() const {
    if (stack_.size() <= floor()) refuse("the pickle takes a value that is not there");
    return stack_.back();
  }

  PickleId pop() {
    const PickleId id = top();
    stack_.pop_back();
    return id;
  }

  std::vector<PickleId> pop_many(size_t count) {
    if (stack_.size() - floor() < count) refuse("the pickle takes a value that is not there");
    std::vector<PickleId> out(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return out;
  }

  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) refuse("the pickle goes back to a mark that is not there");
    std::vector<PickleId> out = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return out;
  }

  template <typename T>
  T take() {
    if (program_.size() - at_ < sizeof(T)) refuse("the pickle is cut");
    const T value = load_little_endian<T>(program_, at_);
    at_ += sizeof(T);
    return value;
  }

  std::string_view take_text(size_t size) {
    if (program_.size() - at_ < size) {
      refuse("a text claims " + std::to_string(size) + " bytes, " + std::to_string(program_.size() - at_) +
             " are left");
    }
    const std::string_view text(reinterpret_cast<const char*>(program_.data()) + at_, size);
    at_ += size;
    return text;
  }

  // LONG1: an integer of up to 8 bytes, two's complement.
  int64_t take_long() {
    const size_t size = take<uint8_t>();
    if (size > sizeof(int64_t))
      refuse("an integer of " + std::to_string(size) + " bytes, at most 8 make sense in weights");
    const std::string_view bytes = take_text(size);
    uint64_t value = !bytes.empty() && (bytes.back() & 0x80) ? ~uint64_t{0} : 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return static_cast<int64_t>(value);
  }

  std::string_view take_line() {
    constexpr size_t kMaxName = 256;
    const std::string_view rest(reinterpret_cast<const char*>(program_.data()) + at_,
                                std::min(program_.size() - at_, kMaxName));
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) refuse("a Python name has no end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  // The entry of the allowed list that the two lines of a GLOBAL name.
  std::string_view take_global() {
    const std::string_view module = take_line(), name = take_line();
    for (const std::string_view candidate : allowed_) {
      if (candidate.size() == module.size() + 1 + name.size() &&
          candidate.substr(0, module.size()) == module && candidate[module.size()] == ' ' &&
          candidate.substr(module.size() + 1) == name) {
        return candidate;
      }
    }
    refuse("the pickle names " + printable(module) + "." + printable(name) +
           ", which weights do not need; nothing was executed");
  }

  std::span<const std::byte> program_;
  std::span<const std::string_view> allowed_;
  const std::string& where_;
  size_t at_ = 0, opcode_at_ = 0;
  std::vector<PickleId> stack_, memo_;
  std::vector<size_t> marks_;  // heights of the stack
  Pickle out_;
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> program, std::span<const std::string_view> allowed,
                   const std::string& where) {
  return PickleReader(program, allowed, where).read();
}

}  // namespace valence::formats
