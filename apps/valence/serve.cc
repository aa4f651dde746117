// valence serve: the HTTP server and the page.

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "commands.h"
#include "model_options.h"
#include "pipeline/bundled.h"
#include "routing_options.h"
#include "serve/server.h"

namespace valence::app {
namespace {

struct ServeOptions {
  std::vector<std::string> models, adapters;
  std::optional<std::string> host, key_file, certificate, certificate_key;
  std::optional<int> port, most_queued, most_bytes;
  bool plain = false;
  ModelOptions computing;
};

// "NAME=MODEL" or "MODEL", which is then the name too.
std::pair<std::string, std::string> name_and_model(const std::string& given) {
  const size_t equals = given.find('=');
  if (equals == std::string::npos) return {given, given};
  if (equals == 0 || equals + 1 == given.size())
    throw Error(ErrorCode::kUsage, "serve: expected NAME=MODEL, got " + printable(given));
  return {given.substr(0, equals), given.substr(equals + 1)};
}

std::string key_in(const std::string& path) {
  std::ifstream file(path);
  std::string key;
  if (!file || !std::getline(file, key))
    throw Error(ErrorCode::kNoInput, "serve: no key can be read from " + printable(path));
  while (!key.empty() && (key.back() == '\r' || key.back() == ' ')) key.pop_back();
  const bool visible = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  if (key.empty() || !visible)
    throw Error(ErrorCode::kBadConfig, "serve: the key in " + printable(path) +
                                           " is empty or has characters that HTTP cannot carry");
  return key;
}

std::string card_of(const formats::ModelFiles& files) {
  if (!files.has("README.md")) return "";
  return std::string(files.open("README.md")->text());
}

// The model that is served when none is named reads each text on the route of its language.
serve::ModelPointer load_routing_model(const ModelOptions& described) {
  const api::ChosenModel chosen = choose_model(described);
  std::unique_ptr<routing::Router> router = load_router(chosen, described, {});
  router->warm_in_background();
  return serve::serve_as(kDefaultModel, std::move(router), card_of(chosen.model.files));
}

serve::ModelPointer load_model(const std::string& given, const ServeOptions& options) {
  const auto [name, model] = name_and_model(given);
  ModelOptions described = options.computing;
  described.tasks = "sentiment";
  for (const std::string& adapter : options.adapters) *described.tasks += "," + adapter;
  if (model == kDefaultModel && options.adapters.empty()) {
    for (const pipeline::Bundled& adapter : pipeline::bundled_adapters())
      described.tasks->append(",").append(adapter.name);
  }
  if (options.models.empty()) return load_routing_model(described);
  described.model = model;
  const api::ChosenModel chosen = choose_model(described);
  return serve::serve_as(name, load_classifier(chosen, described), card_of(chosen.model.files));
}

int run_server(const ServeOptions& options) {
  serve::ServerOptions server;
  server.host = options.host.value_or(server.host);
  if (options.port.value_or(0) > 65535) throw Error(ErrorCode::kUsage, "serve: --port: expected 0 to 65535");
  server.port = static_cast<uint16_t>(options.port.value_or(server.port));
  if (options.key_file) server.key = key_in(*options.key_file);
  server.tls_certificate = options.certificate.value_or("");
  server.tls_key = options.certificate_key.value_or("");
  server.plain = options.plain;
  if (options.most_queued) server.limits.queue = static_cast<size_t>(*options.most_queued);
  if (options.most_bytes) server.limits.text = static_cast<size_t>(*options.most_bytes);
  const std::vector<std::string> models =
      options.models.empty() ? std::vector<std::string>{kDefaultModel} : options.models;
  serve::serve(server, [models, options] {
    std::vector<serve::ModelPointer> loaded;
    for (const std::string& model : models) {
      loaded.push_back(load_model(model, options));
      const auto same = std::ranges::count(loaded, loaded.back()->name, &serve::ServedModel::name);
      if (same > 1)
        throw Error(ErrorCode::kUsage, "serve: two models are named " + printable(loaded.back()->name));
    }
    return loaded;
  });
  return 0;
}

}  // namespace

void add_serve(Program& program) {
  auto options = std::make_shared<ServeOptions>();
  Command& command = program.add("serve", "Answer over HTTP, with a page for people",
                                 [options] { return run_server(*options); });
  command.texts("model", options->models, "[NAME=]MODEL",
                "Serve this one, too; may be repeated (the first is the default)");
  command.texts("adapter", options->adapters, "ADAPTER",
                "Another task by this PEFT adapter; may be repeated");
  command.text("host", options->host, Value::kWord, "ADDRESS", "Listen here (default: 127.0.0.1)");
  command.number("port", options->port, 0, "Port (default: 8080; 0: any free one)");
  command.text("api-key-file", options->key_file, Value::kFile, "FILE",
               "Ask for the key that this file holds");
  command.text("tls-cert", options->certificate, Value::kFile, "FILE", "Certificates for TLS, in PEM");
  command.text("tls-key", options->certificate_key, Value::kFile, "FILE", "Their private key, in PEM");
  command.flag("plain", options->plain, "Let others in without a key or without TLS");
  command.number("max-queue", options->most_queued, 1, "Requests that may wait (default: 512)");
  command.number("max-text", options->most_bytes, 1, "Bytes of the longest text (default: 131072)");
  add_computing_options(command, options->computing);
  command.example(
      "Example:\n  valence serve --model default --model "
      "tweets=cardiffnlp/twitter-roberta-base-sentiment-latest");
}

}  // namespace valence::app
