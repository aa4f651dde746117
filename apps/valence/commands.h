// The commands. Each add_* stands in the file of its command, where the options and the work are.
#pragma once

#include "command_line.h"

namespace valence::app {

void add_analyze(Program& program);
void add_tokenize(Program& program);
void add_detect(Program& program);
void add_translate(Program& program);
void add_routes(Program& program);
void add_pull(Program& program);
void add_adapters(Program& program);
void add_models(Program& program);
void add_convert(Program& program);
void add_quantize(Program& program);
void add_train(Program& program);
void add_eval(Program& program);
void add_ablation(Program& program);
void add_merge(Program& program);
void add_export(Program& program);
void add_serve(Program& program);
void add_doctor(Program& program);
void add_bench(Program& program);
void add_completions(Program& program);

}  // namespace valence::app
