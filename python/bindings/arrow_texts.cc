// Texts out of Arrow's memory, without copies.

#include <cstring>
#include <string_view>
#include <utility>

#include "arrow.h"
#include "texts.h"

namespace nb = nanobind;

namespace valence::python {
namespace {

constexpr int64_t kInlineBytes = 12;  // a string_view of at most so many bytes holds them itself

[[noreturn]] void fail(const std::string& message) { throw nb::type_error(message.c_str()); }

void* pointer_of(nb::handle capsule, const char* name) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), name);
  if (pointer == nullptr) throw nb::python_error();
  return pointer;
}

// Moves a struct out of the producer's hands; it is released with the last copy of the pointer.
template <typename Struct>
std::shared_ptr<Struct> take(Struct& from) {
  std::shared_ptr<Struct> mine(new Struct(from), [](Struct* held) {
    if (held->release != nullptr) held->release(held);
    delete held;
  });
  from.release = nullptr;
  return mine;
}

// Where the strings lie: the data themselves, or one of their columns.
struct Place {
  int64_t child = -1;
  char format = 'u';  // 'u': utf8, 'U': large_utf8, 'v': string_view
};

Place find_strings(const ArrowSchema& schema, const std::optional<std::string>& column) {
  Place place;
  const ArrowSchema* strings = &schema;
  if (std::string_view(schema.format) == "+s") {
    for (int64_t k = 0; k < schema.n_children; ++k) {
      const char* name = schema.children[k]->name;
      if (column ? name != nullptr && *column == name : schema.n_children == 1) place.child = k;
    }
    if (place.child < 0) {
      fail(column ? "there is no column " + *column
                  : "the data have " + std::to_string(schema.n_children) + " columns: name one of them");
    }
    strings = schema.children[place.child];
  }
  const std::string_view format = strings->format;
  if (strings->dictionary != nullptr || (format != "u" && format != "U" && format != "vu")) {
    fail("expected strings (utf8, large_utf8 or string_view), got the Arrow type " + std::string(format) +
         (strings->dictionary != nullptr ? " with a dictionary" : ""));
  }
  place.format = format[0];
  return place;
}

template <typename Offset>
std::string_view between_offsets(const ArrowArray& array, int64_t row) {
  const auto* offsets = static_cast<const Offset*>(array.buffers[1]);
  const auto* data = static_cast<const char*>(array.buffers[2]);
  const auto begin = static_cast<int64_t>(offsets[row]), end = static_cast<int64_t>(offsets[row + 1]);
  return begin == end ? std::string_view() : std::string_view(data + begin, static_cast<size_t>(end - begin));
}

std::string_view from_view(const ArrowArray& array, int64_t row) {
  const char* entry = static_cast<const char*>(array.buffers[1]) + 16 * row;
  int32_t fields[4];  // length, the first four bytes, buffer, offset
  std::memcpy(fields, entry, sizeof fields);
  if (fields[0] <= kInlineBytes) return {entry + 4, static_cast<size_t>(fields[0])};
  return {static_cast<const char*>(array.buffers[2 + fields[2]]) + fields[3], static_cast<size_t>(fields[0])};
}

bool is_null(const ArrowArray& array, int64_t row) {
  const auto* valid = static_cast<const uint8_t*>(array.n_buffers > 0 ? array.buffers[0] : nullptr);
  return valid != nullptr && array.null_count != 0 && (valid[row / 8] >> (row % 8) & 1) == 0;
}

void append(const ArrowArray& whole, const Place& place, std::vector<pipeline::TextPair>& texts) {
  const bool child = place.child >= 0;
  const ArrowArray& array = child ? *whole.children[place.child] : whole;
  const int64_t first = array.offset + (child ? whole.offset : 0);
  for (int64_t k = 0; k < whole.length; ++k) {
    const int64_t row = first + k;
    std::string_view text;
    if (!is_null(array, row)) {
      text = place.format == 'u'   ? between_offsets<int32_t>(array, row)
             : place.format == 'U' ? between_offsets<int64_t>(array, row)
                                   : from_view(array, row);
    }
    texts.push_back({text});
  }
}

void check(int status, ArrowArrayStream& stream) {
  if (status == 0) return;
  const char* said = stream.get_last_error(&stream);
  throw nb::value_error(said != nullptr ? said : std::strerror(status));
}

}  // namespace

Texts Texts::from_arrow(nb::handle data, const std::optional<std::string>& column) {
  Texts texts;
  const auto add = [&](ArrowArray& array, const Place& place) {
    const std::shared_ptr<ArrowArray> mine = take(array);
    append(*mine, place, texts.texts_);
    texts.arrays_.push_back(mine);
  };
  if (nb::hasattr(data, "__arrow_c_stream__")) {
    const nb::object capsule = data.attr("__arrow_c_stream__")();
    const auto stream = take(*static_cast<ArrowArrayStream*>(pointer_of(capsule, "arrow_array_stream")));
    ArrowSchema schema{};
    check(stream->get_schema(stream.get(), &schema), *stream);
    const Place place = find_strings(*take(schema), column);
    while (true) {
      ArrowArray array{};
      check(stream->get_next(stream.get(), &array), *stream);
      if (array.release == nullptr) break;
      add(array, place);
    }
  } else if (nb::hasattr(data, "__arrow_c_array__")) {
    const auto capsules = nb::cast<nb::tuple>(data.attr("__arrow_c_array__")());
    const auto schema = take(*static_cast<ArrowSchema*>(pointer_of(capsules[0], "arrow_schema")));
    add(*static_cast<ArrowArray*>(pointer_of(capsules[1], "arrow_array")), find_strings(*schema, column));
  } else {
    fail("expected an object with __arrow_c_stream__ or __arrow_c_array__");
  }
  return texts;
}

}  // namespace valence::python
