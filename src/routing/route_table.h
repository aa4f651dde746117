// Which route is the best for each language, as it was measured: `valence routes`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/route.h"

namespace valence::routing {

struct RouteRow {
  std::string language;  // ISO 639 as in lid.176
  pipeline::Route route = pipeline::Route::kNative;
  std::optional<double> macro_f1;  // absent: not measured
  uint64_t rows = 0;               // that it was measured on
  bool is_default = false;         // one of the rows of a language
};

class RouteTable {
 public:
  // Rows of a language stand together; the first of its best measured ones becomes its default, of those
  // never measured the first.
  explicit RouteTable(std::vector<RouteRow> rows);
  // A JSON list of {"language","route","macro_f1","rows","default"}. Errors: kBadData, naming `where`, for
  // anything else, a route that stands twice, or a language without exactly one default.
  static RouteTable parse(std::string_view json, const std::string& where);
  // As it was measured on the models that the program carries (models/routes.json).
  static RouteTable embedded();

  const std::vector<RouteRow>& rows() const { return rows_; }
  // Absent for a language that the table does not know.
  std::optional<pipeline::Route> default_of(std::string_view language) const;
  // The same list, a row a line.
  std::string json() const;

 private:
  RouteTable() = default;
  std::vector<RouteRow> rows_;
};

}  // namespace valence::routing
