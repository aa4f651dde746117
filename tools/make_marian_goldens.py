"""Writes tests/data/translation/: a tiny Marian model and what transformers answers with it.

Made with torch 2.15, transformers 5.23 and sentencepiece 0.2.1. Run from the repository root:

    python tools/make_marian_goldens.py

golden.json holds, for each text, the ids of MarianTokenizer, and for each setting the ids that generate()
gives and the text they read as. Random weights would repeat one token for ever, so the last norm has random
signs and the sublayers are small.
"""

import io
import json
import pathlib
import shutil

import sentencepiece
import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, MarianConfig, MarianMTModel, MarianTokenizer

ROOT = pathlib.Path("tests/data/translation")
SOURCE = """la soupe est froide et le service est lent
nous avons attendu une heure pour une table
le repas était très bon et les serveurs aimables
je ne reviendrai jamais dans cet hôtel
merci beaucoup pour votre aide
la chambre était propre mais trop petite""".splitlines()
TARGET = """the soup is cold and the service is slow
we waited an hour for a table
the meal was very good and the waiters kind
i will never come back to this hotel
thank you very much for your help
the room was clean but too small""".splitlines()
TEXTS = SOURCE + [
    "la table est propre",
    "une heure pour la soupe, le repas et le service",
    "froid",
    ">>eng<< merci beaucoup",
    ">>xyz<< merci",
    "a </s> b <unk> c",
    "  deux  mots ",
    "字 zut @ é",
    "never the room",
]
SETTINGS = {
    "greedy": dict(num_beams=1),
    "beams": dict(num_beams=4),
    "wide": dict(num_beams=6, length_penalty=0.6),
    "early": dict(num_beams=3, early_stopping=True),
    "never": dict(num_beams=3, early_stopping="never", length_penalty=1.4),
    "forced": dict(num_beams=4, forced_eos_token_id=True),
    "renormalized": dict(num_beams=4, renormalize_logits=True),
    "words": dict(num_beams=4, bad_words_ids="pairs"),
}
MAX_LENGTH = 24


def pieces(lines, size):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 20),
        model_writer=model,
        vocab_size=size,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    return model.getvalue()


def write_tokenizer():
    vocabulary = ["</s>", "<unk>", ">>eng<<"]
    for name, lines in (("source.spm", SOURCE), ("target.spm", TARGET)):
        model = pieces(lines, 90)
        (ROOT / name).write_bytes(model)
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        known = [processor.id_to_piece(n) for n in range(3, len(processor))]
        # As in real ones, some pieces are missing.
        vocabulary += [piece for n, piece in enumerate(known) if piece not in vocabulary and n % 29 != 7]
    vocabulary += ["字", "<pad>"]
    (ROOT / "vocab.json").write_text(json.dumps({piece: n for n, piece in enumerate(vocabulary)}, ensure_ascii=False))
    (ROOT / "tokenizer_config.json").write_text(json.dumps({"source_lang": "fr", "target_lang": "en"}))
    return len(vocabulary)


def spread(model, generator):
    def normal(weight, std):
        weight.copy_(torch.randn(weight.shape, generator=generator) * std)

    for name, weight in model.named_parameters():
        if "embed_positions" in name:
            continue
        if weight.ndim < 2:
            normal(weight, 0.1)
            weight.add_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
        elif "shared" in name:
            normal(weight, 0.3)
        else:
            gains = {"encoder_attn.q_proj": 3.0, "out_proj": 0.6, "fc2": 0.5}
            normal(weight, next((g for part, g in gains.items() if part in name), 1.0) / weight.shape[1] ** 0.5)
    last = model.model.decoder.layers[-1].final_layer_norm.weight
    last.mul_(2 * torch.randn(last.shape, generator=generator).sign())
    normal(model.final_logits_bias, 0.3)
    model.final_logits_bias[0, 0] = 0.2
    model.final_logits_bias[0, -1] = 2.0  # the padding, which is forbidden, would often win


def main():
    torch.set_num_threads(1)
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(parents=True)
    size = write_tokenizer()
    config = MarianConfig(
        vocab_size=size,
        d_model=24,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=3,
        encoder_ffn_dim=40,
        decoder_ffn_dim=36,
        max_position_embeddings=64,
        activation_function="swish",
        scale_embedding=True,
        pad_token_id=size - 1,
        eos_token_id=0,
        decoder_start_token_id=size - 1,
    )
    model = MarianMTModel(config).eval()
    with torch.no_grad():
        spread(model, torch.Generator().manual_seed(4))
    kept = {
        name: tensor.contiguous()
        for name, tensor in model.state_dict().items()
        if name == "model.shared.weight" or "embed" not in name and "lm_head" not in name
    }
    save_file(kept, ROOT / "model.safetensors", metadata={"format": "pt"})
    plain = config.to_dict() | {"num_beams": 2, "max_length": MAX_LENGTH, "bad_words_ids": [[size - 1]]}
    del plain["forced_eos_token_id"]  # MarianConfig's own default, which files seldom have
    (ROOT / "config.json").write_text(json.dumps(plain, indent=1))
    model = MarianMTModel.from_pretrained(ROOT).eval()

    tokenizer = MarianTokenizer.from_pretrained(ROOT)
    golden = {"texts": TEXTS, "tokens": tokenizer(TEXTS).input_ids, "settings": {}}
    greedy = None
    for name, setting in SETTINGS.items():
        changes = {"max_length": MAX_LENGTH, "bad_words_ids": [[size - 1]], **setting}
        if changes.get("forced_eos_token_id"):
            changes["forced_eos_token_id"] = 0
        if changes["bad_words_ids"] == "pairs":
            pairs = sorted({(row[0], row[1]) for row in greedy if len(row) > 2})
            changes["bad_words_ids"] = [[size - 1], *map(list, pairs[:4]), [5]]
        rows = []
        for text in TEXTS:
            generation = GenerationConfig(
                eos_token_id=0, pad_token_id=size - 1, decoder_start_token_id=size - 1, do_sample=False, **changes
            )
            with torch.inference_mode():
                row = model.generate(**tokenizer([text], return_tensors="pt"), generation_config=generation)[0]
            rows.append([token for token in row.tolist() if token != size - 1])
        greedy = greedy or rows
        read = [tokenizer.decode(row, skip_special_tokens=True) for row in rows]
        golden["settings"][name] = {"config": changes, "ids": rows, "read": read}
        print(name, len({tuple(row) for row in rows}), [len(row) for row in rows])
    (ROOT / "golden.json").write_text(json.dumps(golden, ensure_ascii=False))


if __name__ == "__main__":
    main()
