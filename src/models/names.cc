#include "models/names.h"

namespace valence::models {
namespace {

std::string root(Family family) {
  switch (family) {
    case Family::kDistilBert:
      return "distilbert.";
    case Family::kRoberta:
      return "roberta.";
    case Family::kBert:
      break;
  }
  return "bert.";
}

}  // namespace

EmbeddingNames embedding_names(Family family) {
  const std::string at = root(family) + "embeddings.";
  const bool typed = family != Family::kDistilBert;
  return {at + "word_embeddings", at + "position_embeddings", typed ? at + "token_type_embeddings" : "",
          at + "LayerNorm"};
}

LayerNames layer_names(Family family, int64_t layer) {
  if (family == Family::kDistilBert) {
    const std::string at = root(family) + "transformer.layer." + std::to_string(layer) + ".";
    return {at + "attention.q_lin", at + "attention.k_lin", at + "attention.v_lin", at + "attention.out_lin",
            at + "sa_layer_norm",   at + "ffn.lin1",        at + "ffn.lin2",        at + "output_layer_norm"};
  }
  const std::string at = root(family) + "encoder.layer." + std::to_string(layer) + ".";
  return {at + "attention.self.query",
          at + "attention.self.key",
          at + "attention.self.value",
          at + "attention.output.dense",
          at + "attention.output.LayerNorm",
          at + "intermediate.dense",
          at + "output.dense",
          at + "output.LayerNorm"};
}

HeadNames head_names(Family family) {
  switch (family) {
    case Family::kDistilBert:
      return {"pre_classifier", "classifier"};
    case Family::kRoberta:
      return {"classifier.dense", "classifier.out_proj"};
    case Family::kBert:
      break;
  }
  return {"bert.pooler.dense", "classifier"};
}

}  // namespace valence::models
