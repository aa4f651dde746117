#include "routing/route_table.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "formats/json.h"
#include "pipeline/bundled.h"

namespace valence::routing {
namespace {

using formats::Json;

[[noreturn]] void bad(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadData, where + " is no table of routes: " + what);
}

const Json& member(const Json& row, const char* name, const std::string& where) {
  const Json* value = row.find(name);
  if (value == nullptr) bad(where, std::string("a row has no \"") + name + "\"");
  return *value;
}

RouteRow row_of(const Json& json, const std::string& where) {
  if (!json.is_object()) bad(where, "a row is no object");
  RouteRow row;
  row.language = member(json, "language", where).as_string(where + ": language");
  const std::string name = member(json, "route", where).as_string(where + ": route");
  const auto route = pipeline::route_by_name(name);
  if (row.language.empty()) bad(where, "a row has an empty language");
  if (!route)
    bad(where,
        "the route " + printable(name, 40) + " is unknown, expected native, multilingual or translated");
  row.route = *route;
  const Json& figure = member(json, "macro_f1", where);
  if (!figure.is_null()) row.macro_f1 = figure.as_number(where + ": macro_f1");
  if (row.macro_f1 && !(*row.macro_f1 >= 0 && *row.macro_f1 <= 1))
    bad(where, "a macro_f1 is not between 0 and 1");
  const int64_t rows = member(json, "rows", where).as_int(where + ": rows");
  if (rows < 0) bad(where, "a row counts fewer than 0 rows");
  row.rows = static_cast<uint64_t>(rows);
  row.is_default = member(json, "default", where).as_bool(where + ": default");
  return row;
}

}  // namespace

RouteTable::RouteTable(std::vector<RouteRow> rows) : rows_(std::move(rows)) {
  std::ranges::stable_sort(rows_, {}, &RouteRow::language);
  for (auto begin = rows_.begin(); begin != rows_.end();) {
    const auto end = std::find_if(begin, rows_.end(),
                                  [&](const RouteRow& row) { return row.language != begin->language; });
    const auto best = std::max_element(begin, end, [](const RouteRow& a, const RouteRow& b) {
      return a.macro_f1.value_or(-1) < b.macro_f1.value_or(-1);
    });
    for (auto row = begin; row != end; ++row) row->is_default = row == best;
    begin = end;
  }
}

RouteTable RouteTable::parse(std::string_view json, const std::string& where) {
  const Json list = Json::parse(json, where);
  if (!list.is_array()) bad(where, "expected a list");
  RouteTable table;
  std::set<std::pair<std::string, pipeline::Route>> seen;
  std::map<std::string, int> defaults;
  for (const Json& item : list.as_array(where)) {
    RouteRow row = row_of(item, where);
    if (!seen.emplace(row.language, row.route).second)
      bad(where,
          printable(row.language, 40) + " has the route " + pipeline::route_name(row.route) + " twice");
    defaults[row.language] += row.is_default;
    table.rows_.push_back(std::move(row));
  }
  for (const auto& [language, count] : defaults) {
    if (count != 1)
      bad(where, printable(language, 40) + " has " + std::to_string(count) + " default routes, expected one");
  }
  return table;
}

RouteTable RouteTable::embedded() { return parse(pipeline::bundled_routes(), "the table of the program"); }

std::optional<pipeline::Route> RouteTable::default_of(std::string_view language) const {
  const auto found = std::ranges::find_if(
      rows_, [&](const RouteRow& row) { return row.is_default && row.language == language; });
  return found == rows_.end() ? std::nullopt : std::optional(found->route);
}

std::string RouteTable::json() const {
  std::string out = "[";
  for (const RouteRow& row : rows_) {
    out += out.size() > 1 ? ",\n {" : "{";
    out += "\"language\":";
    formats::append_json_string(out, row.language);
    out += std::string(",\"route\":\"") + pipeline::route_name(row.route) + "\",\"macro_f1\":";
    if (row.macro_f1) {
      formats::append_json_number(out, *row.macro_f1);
    } else {
      out += "null";
    }
    out +=
        ",\"rows\":" + std::to_string(row.rows) + ",\"default\":" + (row.is_default ? "true" : "false") + "}";
  }
  return out + "]\n";
}

}  // namespace valence::routing
