// valence._core: the engine and its answers as Python sees them. What users are promised stands in
// python/valence/.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "answers.h"
#include "base/error.h"
#include "base/threads.h"
#include "engine.h"
#include "texts.h"

// apps/valence/main.cc under another name (python/CMakeLists.txt).
int valence_program(int argc, char** argv);

namespace nb = nanobind;
using namespace nb::literals;

namespace valence::python {
namespace {

// Exceptions of valence that Python has no word for; made by valence/errors.py.
PyObject* named(const char* name) {
  return nb::object(nb::module_::import_("valence.errors").attr(name)).release().ptr();
}

void translate(const std::exception_ptr& failure, void*) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    // A signal's own exception is already set.
    if (error.code() == ErrorCode::kInterrupted && PyErr_Occurred() != nullptr) return;
    PyObject* type = PyExc_RuntimeError;
    switch (error.code()) {
      case ErrorCode::kUsage:
      case ErrorCode::kBadConfig:
        type = PyExc_ValueError;
        break;
      case ErrorCode::kBadData:
        type = named("BadModel");
        break;
      case ErrorCode::kNoInput:
        type = PyExc_FileNotFoundError;
        break;
      case ErrorCode::kUnavailable:
        type = named("ModelUnavailable");
        break;
      case ErrorCode::kInterrupted:
        type = PyExc_KeyboardInterrupt;
        break;
      case ErrorCode::kNoMemory:
        type = PyExc_MemoryError;
        break;
      case ErrorCode::kRuntime:
        break;
    }
    PyErr_SetString(type, error.what());
  }
}

// True when a signal handler of Python threw; its exception is then set on this thread.
bool signalled() {
  const nb::gil_scoped_acquire gil;
  return PyErr_CheckSignals() != 0;
}

// An engine, and what its answers need.
class Model {
 public:
  explicit Model(EngineOptions options)
      : engine_(std::move(options), signalled),
        facts_(std::make_shared<const ModelFacts>(engine_.classifier())) {}

  Answers classify(const Texts& texts) {
    const nb::gil_scoped_release free;
    return {engine_.classify(texts.get(), signalled), facts_};
  }
  Answers classify_list(nb::handle texts) { return classify(Texts::from_python(texts)); }
  Answers classify_arrow(nb::handle data, const std::optional<std::string>& column) {
    return classify(Texts::from_arrow(data, column));
  }
  nb::dict provenance() const {
    pipeline::Provenance from;
    {
      const nb::gil_scoped_release free;  // it reads the weights
      from = engine_.classifier().provenance();
    }
    nb::dict out;
    out["model"] = from.model;
    out["revision"] = from.revision;
    out["sha256"] = from.sha256;
    out["adapter"] = from.adapter;
    out["dtype"] = from.dtype;
    out["device"] = from.device;
    return out;
  }
  const ModelFacts& facts() const { return *facts_; }
  size_t weight_bytes() const { return engine_.classifier().weight_bytes(); }
  int threads() const { return engine_.classifier().workers(); }

 private:
  Engine engine_;
  std::shared_ptr<const ModelFacts> facts_;
};

int run_program(const std::vector<std::string>& arguments) {
  std::vector<std::string> own = arguments;
  std::vector<char*> pointers;
  for (std::string& argument : own) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const nb::gil_scoped_release free;
  return valence_program(static_cast<int>(own.size()), pointers.data());
}

void bind_model(nb::module_& module) {
  nb::class_<Model>(module, "Model")
      .def(
          "__init__",
          [](Model* self, std::optional<std::string> model, std::optional<std::string> adapter,
             std::optional<std::string> tasks, std::string dtype, std::string device, std::string social,
             std::string long_text, int64_t max_tokens, int threads, bool offline, bool read_blank) {
            const nb::gil_scoped_release free;
            new (self) Model({std::move(model), std::move(adapter), std::move(tasks), std::move(dtype),
                              std::move(device), std::move(social), std::move(long_text), max_tokens, threads,
                              offline, read_blank});
          },
          nb::kw_only(), "model"_a.none(), "adapter"_a.none(), "tasks"_a.none(), "dtype"_a, "device"_a,
          "social"_a, "long_text"_a, "max_tokens"_a, "threads"_a, "offline"_a, "read_blank"_a)
      .def("classify", &Model::classify_list, "texts"_a)
      .def("classify_arrow", &Model::classify_arrow, "data"_a, "column"_a.none())
      .def("provenance", &Model::provenance)
      .def_prop_ro("labels", [](const Model& model) { return model.facts().labels; })
      .def_prop_ro("tasks",
                   [](const Model& model) {
                     std::vector<std::pair<std::string, std::vector<std::string>>> tasks;
                     for (const pipeline::Task& task : model.facts().tasks)
                       tasks.emplace_back(task.name, task.labels);
                     return tasks;
                   })
      .def_prop_ro("regression",
                   [](const Model& model) { return model.facts().problem == models::Problem::kRegression; })
      .def_prop_ro("multi_label",
                   [](const Model& model) { return model.facts().problem == models::Problem::kMultiLabel; })
      .def_prop_ro("weight_bytes", &Model::weight_bytes)
      .def_prop_ro("threads", &Model::threads);
}

void bind_answers(nb::module_& module) {
  nb::class_<Answers>(module, "Answers")
      .def("__len__", &Answers::size)
      .def("pipeline", &Answers::pipeline, "function"_a, "best"_a, "top_k"_a.none(), "unsorted"_a)
      .def("rows", &Answers::rows)
      .def("logits", &Answers::logits)
      .def(
          "__arrow_c_array__", [](const Answers& answers, const nb::object&) { return answers.arrow(); },
          "requested_schema"_a.none() = nb::none());
}

NB_MODULE(_core, module) {
  nb::register_exception_translator(translate);
  bind_model(module);
  bind_answers(module);
  module.def("run_program", &run_program, "arguments"_a);
  module.def("usable_cores", &usable_cores);
  module.attr("version") = VALENCE_VERSION;
}

}  // namespace
}  // namespace valence::python
