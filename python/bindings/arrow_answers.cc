// Answers as an Arrow struct array: label, score, polarity, tokens, windows, truncated, scores, error,
// language, route.

#include <cmath>
#include <cstring>
#include <functional>
#include <string_view>

#include "answers.h"
#include "arrow.h"

namespace nb = nanobind;

namespace valence::python {
namespace {

using pipeline::Result;
using Bytes = std::vector<char>;

constexpr int64_t kNullable = 2;  // ARROW_FLAG_NULLABLE

// What an exported struct points to; deleted by its release().
struct SchemaParts {
  std::string format, name;
  std::vector<ArrowSchema*> children;
};
struct ArrayParts {
  std::vector<Bytes> memory;
  std::vector<const void*> buffers;
  std::vector<ArrowArray*> children;
};

template <typename Struct, typename Parts>
void release(Struct* self) {
  auto* parts = static_cast<Parts*>(self->private_data);
  for (Struct* child : parts->children) {
    // A consumer may have moved a child out and released it itself.
    if (child->release != nullptr) child->release(child);
    delete child;
  }
  delete parts;
  self->release = nullptr;
}

ArrowSchema* make_schema(std::string format, std::string name, std::vector<ArrowSchema*> children = {}) {
  auto* parts = new SchemaParts{std::move(format), std::move(name), std::move(children)};
  auto* schema = new ArrowSchema{};
  schema->format = parts->format.c_str();
  schema->name = parts->name.c_str();
  schema->flags = kNullable;
  schema->n_children = static_cast<int64_t>(parts->children.size());
  schema->children = parts->children.data();
  schema->release = &release<ArrowSchema, SchemaParts>;
  schema->private_data = parts;
  return schema;
}

// An empty `valid` says that there is no null.
ArrowArray* make_array(int64_t length, std::vector<Bytes> memory, std::vector<ArrowArray*> children = {}) {
  auto* parts = new ArrayParts{std::move(memory), {}, std::move(children)};
  for (const Bytes& bytes : parts->memory) parts->buffers.push_back(bytes.data());
  if (parts->memory.front().empty()) parts->buffers.front() = nullptr;
  auto* array = new ArrowArray{};
  array->length = length;
  array->null_count = parts->buffers.front() == nullptr ? 0 : -1;
  array->n_buffers = static_cast<int64_t>(parts->buffers.size());
  array->n_children = static_cast<int64_t>(parts->children.size());
  array->buffers = parts->buffers.data();
  array->children = parts->children.data();
  array->release = &release<ArrowArray, ArrayParts>;
  array->private_data = parts;
  return array;
}

Bytes bitmap(const std::vector<Result>& rows, const std::function<bool(const Result&)>& set) {
  Bytes bits((rows.size() + 7) / 8 + 1);
  for (size_t k = 0; k < rows.size(); ++k)
    if (set(rows[k])) bits[k / 8] = static_cast<char>(bits[k / 8] | 1 << (k % 8));
  return bits;
}

bool used(const Result& row) { return row.reject_reason.empty(); }

template <typename Value, typename Get>
ArrowArray* numbers(const std::vector<Result>& rows, const Get& get, Bytes valid) {
  Bytes values(rows.size() * sizeof(Value) + 1);
  for (size_t k = 0; k < rows.size(); ++k) {
    const Value value = used(rows[k]) ? static_cast<Value>(get(rows[k])) : Value();
    std::memcpy(values.data() + k * sizeof value, &value, sizeof value);
  }
  return make_array(static_cast<int64_t>(rows.size()), {std::move(valid), std::move(values)});
}

template <typename Get>
ArrowArray* texts(const std::vector<Result>& rows, const Get& get, Bytes valid) {
  Bytes offsets((rows.size() + 1) * sizeof(int64_t)), data;
  for (size_t k = 0; k < rows.size(); ++k) {
    const std::string_view text = get(rows[k]);
    data.insert(data.end(), text.begin(), text.end());
    const auto end = static_cast<int64_t>(data.size());
    std::memcpy(offsets.data() + (k + 1) * sizeof end, &end, sizeof end);
  }
  data.push_back(0);  // so that there is a buffer
  return make_array(static_cast<int64_t>(rows.size()),
                    {std::move(valid), std::move(offsets), std::move(data)});
}

ArrowArray* score_lists(const std::vector<Result>& rows, size_t labels) {
  Bytes values(rows.size() * labels * sizeof(float) + 1);
  for (size_t k = 0; k < rows.size(); ++k) {
    if (used(rows[k]))
      std::memcpy(values.data() + k * labels * sizeof(float), rows[k].scores.data(), labels * sizeof(float));
  }
  ArrowArray* flat = make_array(static_cast<int64_t>(rows.size() * labels), {Bytes(), std::move(values)});
  return make_array(static_cast<int64_t>(rows.size()), {bitmap(rows, used)}, {flat});
}

template <typename Struct>
nb::object capsule(Struct* owned, const char* name) {
  const auto free = [](PyObject* self) {
    auto* held = static_cast<Struct*>(PyCapsule_GetPointer(self, PyCapsule_GetName(self)));
    if (held->release != nullptr) held->release(held);
    delete held;
  };
  return nb::steal(PyCapsule_New(owned, name, free));
}

}  // namespace

nb::tuple Answers::arrow() const {
  const std::vector<Result>& rows = results_;
  const auto label = [&](const Result& row) -> std::string_view {
    return used(row) ? std::string_view(facts_->labels[static_cast<size_t>(row.label)]) : "";
  };
  const auto known = [](const Result& row) { return used(row) && !std::isnan(row.polarity); };
  const Bytes valid = bitmap(rows, used);
  const Bytes routed = bitmap(rows, [](const Result& row) { return row.routing.has_value(); });
  const auto best = [](const Result& row) { return row.scores[static_cast<size_t>(row.label)]; };
  const std::vector<ArrowArray*> columns{
      texts(rows, label, valid),
      numbers<double>(rows, best, valid),
      numbers<double>(
          rows, [](const Result& row) { return row.polarity; }, bitmap(rows, known)),
      numbers<int64_t>(
          rows, [](const Result& row) { return row.tokens; }, valid),
      numbers<int32_t>(
          rows, [](const Result& row) { return row.windows; }, valid),
      make_array(static_cast<int64_t>(rows.size()),
                 {valid, bitmap(rows, [](const Result& row) { return row.truncated; })}),
      score_lists(rows, facts_->labels.size()),
      texts(
          rows, [](const Result& row) -> std::string_view { return row.reject_reason; },
          bitmap(rows, [](const Result& row) { return !used(row); })),
      texts(
          rows,
          [](const Result& row) -> std::string_view {
            return row.routing ? std::string_view(row.routing->language) : "";
          },
          routed),
      texts(
          rows,
          [](const Result& row) -> std::string_view {
            return row.routing ? pipeline::route_name(row.routing->route) : "";
          },
          routed)};
  ArrowArray* array = make_array(static_cast<int64_t>(rows.size()), {Bytes()}, columns);
  const std::string width = std::to_string(facts_->labels.size());
  ArrowSchema* schema =
      make_schema("+s", "",
                  {make_schema("U", "label"), make_schema("g", "score"), make_schema("g", "polarity"),
                   make_schema("l", "tokens"), make_schema("i", "windows"), make_schema("b", "truncated"),
                   make_schema("+w:" + width, "scores", {make_schema("f", "item")}),
                   make_schema("U", "error"), make_schema("U", "language"), make_schema("U", "route")});
  return nb::make_tuple(capsule(schema, "arrow_schema"), capsule(array, "arrow_array"));
}

}  // namespace valence::python
