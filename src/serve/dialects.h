// The routes that answer texts, each in the words of its clients. All throw Refused for a body that they
// cannot use; the answer comes through `respond`.
#pragma once

#include "serve/context.h"

namespace valence::serve {

// POST /v1/analyze: the native one (docs/http.md).
void analyze(Context& context, const Request& request, const Respond& respond);

// text-embeddings-inference: /predict, /tokenize.
void tei_predict(Context& context, const Request& request, const Respond& respond);
void tei_tokenize(Context& context, const Request& request, const Respond& respond);

// Hugging Face inference: POST /.
void hf_inference(Context& context, const Request& request, const Respond& respond);

// vLLM: /classify.
void classify(Context& context, const Request& request, const Respond& respond);

// Open Inference Protocol v2: POST /v2/models/NAME/infer.
void oip_infer(Context& context, const Request& request, const Respond& respond);

}  // namespace valence::serve
