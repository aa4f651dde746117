// The routes over a classifier whose answers are known; HTTP itself is tested over a socket
// (apps/valence/serve_test.cc).
#include "serve/dialects.h"

#include <gtest/gtest.h>

#include <cstring>
#include <future>

#include "pipeline/bundled.h"
#include "serve/analyze_stream.h"
#include "serve/routes.h"

namespace valence::serve {
namespace {

using formats::Json;

// The calls that workers post, run by the test's own thread.
class Calls {
 public:
  void post(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    more_.notify_one();
  }
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      std::vector<std::function<void()>> calls;
      {
        std::unique_lock lock(mutex_);
        more_.wait(lock, [this] { return !calls_.empty(); });
        calls.swap(calls_);
      }
      for (const auto& call : calls) call();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::function<void()>> calls_;
};

class Dialects : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pipeline::ClassifierOptions options;
    options.threads = 1;
    options.tasks = {{"sentiment", {}}};
    model_ = serve_as("default", pipeline::Classifier::load(pipeline::default_model(), nullptr, options), "");
  }
  static void TearDownTestSuite() { model_.reset(); }

  Response ask(const char* method, const char* path, std::string body, std::string header_length = "") {
    const Found found = find_route(method, path);
    EXPECT_TRUE(found.route != nullptr && found.method_allowed) << path;
    Request request;
    request.name = found.name;
    request.body = std::move(body);
    request.head.inference_header_length = std::move(header_length);
    std::optional<Response> response;
    try {
      found.route->handle(context_, request, [&](Response given) { response = std::move(given); });
    } catch (const Refused& refused) {
      return error_response(found.route->dialect, refused);
    }
    calls_.run_until([&] { return response.has_value(); });
    return *response;
  }
  Json json(const char* path, const std::string& body, int status = 200) {
    const Response response = ask("POST", path, body);
    EXPECT_EQ(response.status, status) << response.body;
    return Json::parse(response.body, path);
  }

  static inline ModelPointer model_;
  Calls calls_;
  Metrics metrics_;
  Models models_{[] { return std::vector<ModelPointer>{model_}; }};
  Scheduler scheduler_{{1}, [this](std::function<void()> call) { calls_.post(std::move(call)); }, metrics_};
  Context context_{models_, scheduler_, metrics_, {}};
};

const std::string kJoy = "I love this, it is wonderful!";

TEST_F(Dialects, NativeAnswersWhatItCanAndSaysWhyNotTheRest) {
  const Json answer =
      json("/v1/analyze", R"({"documents":[{"id":"a","text":"I love this"},{"id":"b","text":" "},
      {"id":"c","text":5},{"id":"d"},7,{"id":[],"text":"x"},{"text":"I hate it"}],"logits":true,"tasks":["sentiment"]})");
  const auto& documents = answer.find("documents")->as_array("");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].find("label")->as_string(""), "positive");
  EXPECT_EQ(documents[0].find("logits")->as_array("").size(), 3u);
  EXPECT_EQ(documents[0].find("tasks")->find("sentiment")->find("label")->as_string(""), "positive");
  EXPECT_EQ(documents[1].find("id")->as_string(""), "6");
  std::string errors;
  for (const Json& error : answer.find("errors")->as_array(""))
    errors += error.find("id")->as_string("") + " " + error.find("code")->as_string("") + "; ";
  EXPECT_EQ(errors, "b empty_text; c not_text; d not_text; 4 malformed; 5 malformed; ");
  EXPECT_EQ(metrics_.documents, 2u);
}

TEST_F(Dialects, NativeOffsetsCountCodePointsOrUtf16Units) {
  for (const auto& [unit, emoji_end] : {std::pair("codePoints", 9), std::pair("utf16CodeUnits", 10)}) {
    const Json answer =
        json("/v1/analyze", std::string(R"({"documents":[{"id":"a","text":"I love 😀. Sad end."}],
        "sentences":true,"explain":true,"stringIndexType":")") +
                                unit + "\"}");
    const Json& document = answer.find("documents")->as_array("")[0];
    const auto& sentences = document.find("sentences")->as_array("");
    ASSERT_EQ(sentences.size(), 2u);
    EXPECT_EQ(sentences[0].find("length")->as_int(""), emoji_end);
    EXPECT_EQ(sentences[1].find("offset")->as_int(""), emoji_end + 1);
    EXPECT_EQ(sentences[1].find("text")->as_string(""), "Sad end.");
    EXPECT_EQ(document.find("explanation")->as_array("").size(), 5u);
  }
}

TEST_F(Dialects, NativeRefusesWhatIsNoRequest) {
  EXPECT_EQ(ask("POST", "/v1/analyze", "{").status, 400);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":[],"documents":[]})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/analyze", "[]").status, 422);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":5})").status, 422);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":[],"model":"other"})").status, 404);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":[],"tasks":["other"]})").status, 404);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":[],"explain":1})").status, 422);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":[{"text":"\ud83d"}]})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/analyze", R"({"documents":[]})").body.substr(0, 27),
            R"({"documents":[],"errors":[])");
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_EQ(ask("POST", "/v1/analyze", "{\"documents\":[],\"x\":" + deep + "}").status, 400);
  std::string words;
  for (int k = 0; k < 20'000; ++k) words += "word ";
  EXPECT_EQ(
      ask("POST", "/v1/analyze", "{\"documents\":[{\"text\":\"" + words + "\"}],\"explain\":true}").status,
      413);
}

TEST_F(Dialects, TextEmbeddingsInferenceKnowsPairs) {
  const Json flat = json("/predict", R"({"inputs":"I love this"})");
  EXPECT_EQ(flat.as_array("")[0].find("label")->as_string(""), "positive");
  EXPECT_EQ(json("/predict", R"({"inputs":["I love","this"]})").as_array("")[0].type_name(), "an object");
  EXPECT_EQ(json("/predict", R"({"inputs":[["I love this"],["a","b"]]})").as_array("")[0].type_name(),
            "a list");
  EXPECT_EQ(json("/predict", R"({"inputs":""})", 400).find("error_type")->as_string(""), "Empty");
  for (const char* body :
       {"{}", R"({"inputs":5})", R"({"inputs":["a","b","c"]})", R"({"inputs":[]})",
        R"({"inputs":"a","raw_scores":"yes"})", R"({"inputs":"a","truncation_direction":"Up"})"})
    json("/predict", body, 422);
}

TEST_F(Dialects, TruncationKeepsTheEndThatIsAskedFor) {
  std::string text = kJoy;
  for (int k = 0; k < 600; ++k) text += " table";
  const auto top = [&](const char* direction) {
    return json("/predict", "{\"inputs\":\"" + text + "\",\"truncate\":true,\"truncation_direction\":\"" +
                                direction + "\"}")
        .as_array("")[0]
        .find("score")
        ->as_number("");
  };
  EXPECT_NE(top("Left"), top("Right"));
}

TEST_F(Dialects, TokensStandOverTheirText) {
  const Json answer = json("/tokenize", R"({"inputs":["I love 😀","Good"],"add_special_tokens":false})");
  const Json& last = answer.as_array("")[1].as_array("")[0];
  EXPECT_EQ(last.find("text")->as_string(""), "good");
  EXPECT_EQ(last.find("start")->as_int(""), 0);
  EXPECT_EQ(last.find("stop")->as_int(""), 4);
}

TEST_F(Dialects, HuggingFaceAppliesTheFunctionThatIsAskedFor) {
  const Json top = json("/", R"({"inputs":["I love this","I hate this"],"parameters":{"top_k":1}})");
  EXPECT_EQ(top.as_array("")[1].as_array("").size(), 1u);
  const Json raw = json("/", R"({"inputs":"I love this","parameters":{"function_to_apply":"none"}})");
  EXPECT_GT(raw.as_array("")[0].as_array("")[0].find("score")->as_number(""), 1.0);
  for (const char* body :
       {"{}", R"({"inputs":[]})", R"({"inputs":"a","parameters":{"top_k":0}})",
        R"({"inputs":"a","parameters":{"function_to_apply":"x"}})", R"({"inputs":"a","parameters":5})"})
    EXPECT_TRUE(json("/", body, 422).find("error")->is_string()) << body;
}

TEST_F(Dialects, VllmCountsItsClasses) {
  const Json answer = json("/classify", R"({"model":"default","input":["I love this"]})");
  const Json& row = answer.find("data")->as_array("")[0];
  EXPECT_EQ(row.find("num_classes")->as_int(""), 3);
  EXPECT_EQ(row.find("probs")->as_array("").size(), 3u);
  EXPECT_EQ(ask("POST", "/classify", R"({"model":"other","input":"a"})").status, 404);
}

TEST_F(Dialects, OpenInferenceProtocolTakesBinaryTensors) {
  const std::string json_part =
      R"({"id":"7","inputs":[{"name":"text","shape":[2],"datatype":"BYTES","parameters":)"
      R"({"binary_data_size":21}}],"parameters":{"binary_data_output":true}})";
  const std::string binary = std::string("\x07\0\0\0I love!", 11) + std::string("\x06\0\0\0I hate", 10);
  const Response response =
      ask("POST", "/v2/models/default/infer", json_part + binary, std::to_string(json_part.size()));
  ASSERT_EQ(response.status, 200) << response.body;
  ASSERT_EQ(response.headers.at(0).first, "Inference-Header-Content-Length");
  const size_t size = std::stoul(response.headers[0].second);
  EXPECT_EQ(Json::parse(response.body.substr(0, size), "x").find("id")->as_string(""), "7");
  EXPECT_EQ(response.body.substr(size, 12), std::string("\x08\0\0\0positive", 12));
  for (
      const char* body :
      {"{}", R"({"inputs":[]})",
       R"({"inputs":[{"name":"text","shape":[2],"datatype":"BYTES","data":["a"]}]})",
       R"({"inputs":[{"name":"text","shape":[1],"datatype":"FP32","data":[1]}]})",
       R"({"inputs":[{"name":"text","shape":[999999,999999],"datatype":"BYTES","data":["a"]}]})",
       R"({"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],"outputs":[{"name":"x"}]})"}) {
    const int status = ask("POST", "/v2/models/default/infer", body).status;
    EXPECT_TRUE(status == 400 || status == 422) << body << status;
  }
  EXPECT_EQ(ask("POST", "/v2/models/default/infer", json_part + "\xff\xff\xff\xff",
                std::to_string(json_part.size()))
                .status,
            400);
}

TEST_F(Dialects, AStreamAnswersEachLineOnce) {
  DocumentOptions options;
  options.model = model_;
  const auto stream = std::make_shared<AnalyzeStream>(context_, options, Framing::kLines, [] {});
  const std::string lines =
      "{\"id\":\"a\",\"text\":\"I love this\"}\n\nbroken\n{\"id\":\"b\",\"text\":\"\"}\r\n"
      "{\"id\":\"c\",\"text\":\"I hate this\"}";
  for (const char c : lines) stream->feed(std::string_view(&c, 1), false);
  stream->feed({}, true);
  calls_.run_until([&] { return stream->complete(); });
  std::map<std::string, std::string> answers;
  const std::string output = stream->take_output();
  for (size_t at = 0; at < output.size(); at = output.find('\n', at) + 1) {
    const Json line = Json::parse(output.substr(at, output.find('\n', at) - at), "line");
    const Json* id = line.find("id");
    const Json* error = line.find("error");
    answers[id->is_null() ? "null" : id->as_string("")] =
        error != nullptr ? error->find("code")->as_string("") : line.find("label")->as_string("");
  }
  const std::map<std::string, std::string> expected = {
      {"a", "positive"}, {"b", "empty_text"}, {"c", "negative"}, {"null", "malformed"}};
  EXPECT_EQ(answers, expected);
}

TEST_F(Dialects, TheDescriptionOfTheApiNamesEveryRoute) {
  const Response response = ask("GET", "/openapi.json", "");
  const Json description = Json::parse(response.lasting_body, "openapi.json");
  for (const auto& [path, operations] : description.find("paths")->as_object("")) {
    std::string filled = path;
    if (const size_t hole = filled.find("{name}"); hole != std::string::npos)
      filled.replace(hole, 6, "default");
    for (const auto& [method, operation] : operations.as_object("")) {
      const Found found = find_route(method == "get" ? "GET" : "POST", filled);
      EXPECT_TRUE(found.route != nullptr && found.method_allowed) << method << ' ' << path;
    }
  }
  for (const char* path :
       {"/v1/models", "/v1/models/default", "/info", "/health", "/metrics", "/v2", "/v2/health/live",
        "/v2/models/default", "/v2/models/default/ready", "/", "/app.js", "/app.css", "/icon.svg"})
    EXPECT_EQ(ask("GET", path, "").status, 200) << path;
  EXPECT_EQ(ask("GET", "/v2/models/other/ready", "").status, 404);
}

}  // namespace
}  // namespace valence::serve
