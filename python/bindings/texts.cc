#include "texts.h"

#include <nanobind/stl/string.h>

#include <string_view>

namespace nb = nanobind;

namespace valence::python {
namespace {

[[noreturn]] void fail(size_t index, nb::handle got) {
  const auto name = nb::cast<std::string>(nb::type_name(got.type()));
  throw nb::type_error(("text " + std::to_string(index) + ": expected str, got " + name).c_str());
}

std::string_view view(nb::handle text, size_t index) {
  if (!PyUnicode_Check(text.ptr())) fail(index, text);
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data == nullptr) throw nb::python_error();
  return {data, static_cast<size_t>(size)};
}

}  // namespace

Texts Texts::from_python(nb::handle sequence) {
  Texts texts;
  // A tuple of its own: the caller's list may change while the texts are read.
  texts.owner_ = nb::steal(PySequence_Tuple(sequence.ptr()));
  if (!texts.owner_.is_valid()) throw nb::python_error();
  const auto items = nb::borrow<nb::tuple>(texts.owner_);
  texts.texts_.reserve(items.size());
  for (size_t k = 0; k < items.size(); ++k) {
    const nb::handle item = items[k];
    if (!nb::isinstance<nb::tuple>(item)) {
      texts.texts_.push_back({view(item, k)});
      continue;
    }
    const auto pair = nb::borrow<nb::tuple>(item);
    if (pair.size() != 2) fail(k, item);
    texts.texts_.push_back({view(pair[0], k)});
    if (!nb::object(pair[1]).is_none()) texts.texts_.back().pair = view(pair[1], k);
  }
  return texts;
}

}  // namespace valence::python
