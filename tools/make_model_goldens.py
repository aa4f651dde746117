"""Writes tests/data/models/: tiny checkpoints, adapters and what transformers, PEFT and bitsandbytes answer.

Made with torch 2.15, transformers 5.23, peft 0.21.2 and bitsandbytes 0.50.2. Run from the repository root:

    python tools/make_model_goldens.py

Each folder is a model (or adapter) as its library saves it; golden.json beside the weights holds token ids
and the logits for them. The weights are wide, so that the logits depend on the text.
"""

import json
import pathlib
import shutil

import torch
from bitsandbytes import functional as bnb
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BitsAndBytesConfig,
    DistilBertConfig,
    RobertaConfig,
)

ROOT = pathlib.Path("tests/data/models")
VOCABULARY = "[PAD] [UNK] [CLS] [SEP] [MASK] good bad thing day ##s not . , i love hate this it is was".split()
VOCABULARY += list("abcdefghijklmnopqrstuvwxyz")
SIZE = len(VOCABULARY)
LABELS = {0: "negative", 1: "neutral", 2: "positive"}

bert = dict(
    vocab_size=SIZE,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=48,
    id2label=LABELS,
    label2id={name: k for k, name in LABELS.items()},
)
CONFIGS = {
    "bert": BertConfig(**bert),
    "distilbert": DistilBertConfig(
        vocab_size=SIZE,
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=48,
        id2label=bert["id2label"],
        label2id=bert["label2id"],
    ),
    "roberta": RobertaConfig(
        **{**bert, "max_position_embeddings": 50, "hidden_act": "gelu_new", "num_hidden_layers": 1},
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    ),
}


def spread_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim < 2:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
                if "norm" in name.lower() and name.endswith("weight"):
                    weight.add_(1.0)
            else:
                std = 0.5 if "embedding" in name else 2.0 / weight.shape[1] ** 0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * std)


def token_ids():
    generator = torch.Generator().manual_seed(9)
    lengths = [1, 2, 3, 5, 8, 13, 21, 34, 48]
    return [torch.randint(0, SIZE, (length,), generator=generator).tolist() for length in lengths]


def golden(folder, model):
    ids = token_ids()
    with torch.inference_mode():
        logits = [model(torch.tensor([row])).logits[0].float().tolist() for row in ids]
    assert torch.tensor(logits).std(0).min() > 0.1, "the logits hardly depend on the text"
    (folder / "golden.json").write_text(json.dumps({"ids": ids, "logits": logits}) + "\n")


def fresh(name):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def load(folder, **more):
    return AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager", **more).eval()


def make_plain():
    for seed, (name, config) in enumerate(CONFIGS.items()):
        folder = fresh(name)
        model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
        spread_weights(model, seed)
        model.save_pretrained(folder)
        golden(folder, model)
        if name != "roberta":
            (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    old = fresh("bert-old-names")  # as checkpoints from TensorFlow call their layer norms
    shutil.copy(ROOT / "bert/config.json", old)
    shutil.copy(ROOT / "bert/golden.json", old)
    state = load_file(ROOT / "bert/model.safetensors")
    renamed = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for key, value in state.items()
    }
    save_file(renamed, old / "model.safetensors", {"format": "pt"})


def make_bf16():
    folder = fresh("distilbert-bf16")
    model = load(ROOT / "distilbert").to(torch.bfloat16)
    model.save_pretrained(folder)
    golden(folder, load(folder).float())


def make_nf4(double):
    folder = fresh("distilbert-nf4" + ("-double" if double else ""))
    model = load(
        ROOT / "distilbert",
        dtype=torch.float32,
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=double,
            bnb_4bit_compute_dtype=torch.float32,
            llm_int8_skip_modules=["classifier", "pre_classifier"],
        ),
    )
    model.save_pretrained(folder)
    plain = load(ROOT / "distilbert")
    for key, layer in model.named_modules():
        if type(layer).__name__ == "Linear4bit":
            weight = bnb.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
            target = plain.get_submodule(key)
            target.weight.data = weight.float().reshape(target.weight.shape)
    golden(folder, plain)


def make_adapter(name, base, **settings):
    folder = fresh(name)
    torch.manual_seed(len(name))
    config = LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=6, lora_dropout=0.1, **settings)
    model = get_peft_model(load(ROOT / base), config).eval()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if "lora_" in key:
                weight.normal_(std=0.2)
            elif "modules_to_save" in key:
                weight.add_(torch.randn_like(weight) * 0.3)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    written = json.loads(path.read_text())
    written["base_model_name_or_path"] = base
    path.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    golden(folder, model)


def main():
    make_plain()
    make_bf16()
    make_nf4(double=False)
    make_nf4(double=True)
    heads = ["pre_classifier", "classifier"]
    make_adapter("lora-distilbert", "distilbert", target_modules=["q_lin", "v_lin"], modules_to_save=heads)
    make_adapter(
        "lora-distilbert-rs",
        "distilbert",
        target_modules=["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"],
        modules_to_save=heads,
        use_rslora=True,
        rank_pattern={"lin1": 2},
        alpha_pattern={"k_lin": 3},
    )
    make_adapter("lora-bert-bias", "bert", target_modules=["query", "value"], bias="all", lora_bias=False)
    make_adapter("lora-roberta", "roberta", target_modules="all-linear", modules_to_save=["classifier"])


if __name__ == "__main__":
    main()
