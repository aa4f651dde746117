// Texts of Python as the pipeline reads them, in the memory where Python has them.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/classifier.h"

namespace valence::python {

// Keeps what the texts point into alive. Made and destroyed with the GIL; read without.
class Texts {
 public:
  // A list or tuple of str, or of pairs (str, str or None). Throws TypeError for anything else, and
  // UnicodeEncodeError for a str with a lone surrogate.
  static Texts from_python(nanobind::handle sequence);
  // Whatever has __arrow_c_stream__ or __arrow_c_array__ and holds strings (utf8, large_utf8, string_view),
  // or columns of which `column` does. A null is an empty text. Throws TypeError, ValueError.
  static Texts from_arrow(nanobind::handle data, const std::optional<std::string>& column);

  std::span<const pipeline::TextPair> get() const { return texts_; }

 private:
  std::vector<pipeline::TextPair> texts_;
  nanobind::object owner_;
  std::vector<std::shared_ptr<void>> arrays_;  // of Arrow
};

}  // namespace valence::python
