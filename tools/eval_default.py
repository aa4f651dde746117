#!/usr/bin/env python3
"""Measure the default model on English sentences and tweets.

Either a checkpoint folder, run with PyTorch:

    python tools/eval_default.py --data DATA --checkpoint DIR

or the program itself, with its embedded model or another (no PyTorch needed):

    python tools/eval_default.py --data DATA --valence PATH [--model DIR]

DATA holds en-sst2 and en-tweeteval-sentiment, each with {dev,test}.tsv.gz. On
en-sst2 the negative and positive scores alone are compared; on the tweets all
three classes are. Prints accuracy and macro-F1, then the predictions for a few
everyday sentences (--everyday to print only these).
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

LABELS = ["negative", "neutral", "positive"]
SETS = [("en-sst2", ["negative", "positive"]), ("en-tweeteval-sentiment", LABELS)]

EVERYDAY = [
    ("I love this", "positive"),
    ("I love this!", "positive"),
    ("This is great, thank you so much.", "positive"),
    ("What a lovely surprise", "positive"),
    ("The staff were friendly and helpful.", "positive"),
    ("Not bad at all", "positive"),
    ("Works perfectly, would buy again.", "positive"),
    ("I'm so happy for you :)", "positive"),
    ("worst day ever", "negative"),
    ("I hate waiting in line.", "negative"),
    ("This is terrible.", "negative"),
    ("I don't like it.", "negative"),
    ("The food was cold and the waiter was rude.", "negative"),
    ("Not good", "negative"),
    ("It broke after two days, what a waste of money.", "negative"),
    ("I'm so tired and sad today", "negative"),
    ("It arrived on Tuesday.", "neutral"),
    ("The meeting is at 3 pm.", "neutral"),
    ("The box is blue.", "neutral"),
    ("She works at a bank in London.", "neutral"),
    ("There are two chairs in the room.", "neutral"),
    ("What time does the store open?", "neutral"),
    ("The report has ten pages.", "neutral"),
    ("The train leaves from platform 4.", "neutral"),
]


def read_tsv(path):
    """Return the (label, text) rows of a gzipped two-column file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as handle:
        next(handle)
        parts = (line.rstrip("\n").partition("\t") for line in handle)
        return [(label, text) for label, _, text in parts]


class TorchModel:
    """A checkpoint folder, evaluated by transformers."""

    def __init__(self, folder, threads, max_tokens):
        import torch
        from transformers import BertForSequenceClassification, BertTokenizerFast

        torch.set_num_threads(threads)
        self.torch = torch
        self.max_tokens = max_tokens
        self.tokenizer = BertTokenizerFast.from_pretrained(folder)
        self.model = BertForSequenceClassification.from_pretrained(folder).eval()
        names = self.model.config.id2label
        self.names = [names[i] for i in range(len(names))]

    def scores(self, texts):
        ids = self.tokenizer(texts, truncation=True, max_length=self.max_tokens)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        result = [None] * len(ids)
        with self.torch.inference_mode():
            for start in range(0, len(order), 32):
                part = order[start : start + 32]
                batch = self.tokenizer.pad(
                    {"input_ids": [ids[i] for i in part]}, return_tensors="pt"
                )
                rows = self.model(
                    input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
                ).logits.softmax(-1)
                for i, row in zip(part, rows.tolist()):
                    result[i] = dict(zip(self.names, row))
        return result


class Program:
    """The valence program, run once for each file."""

    def __init__(self, path, model):
        self.command = [path, "analyze"]
        self.options = ["--format", "jsonl"] + (["--model", model] if model else [])

    def scores(self, texts):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "texts.txt")
            with open(path, "w", encoding="utf-8", newline="\n") as handle:
                handle.writelines(text + "\n" for text in texts)
            run = subprocess.run(
                self.command + [path] + self.options,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                check=True,
            )
        rows = [json.loads(line) for line in run.stdout.split("\n") if line]
        if [row["line"] for row in rows] != list(range(1, len(texts) + 1)):
            sys.exit(f"expected lines 1 to {len(texts)} in order, got {len(rows)} rows")
        return [row["scores"] for row in rows]


def best(scores, classes):
    """The class with the highest score among classes."""
    return max(classes, key=lambda name: scores[name])


def figures(truth, guess, classes):
    """Accuracy and macro-F1."""
    accuracy = sum(t == g for t, g in zip(truth, guess)) / len(truth)
    f1 = []
    for name in classes:
        hit = sum(t == g == name for t, g in zip(truth, guess))
        f1.append(2 * hit / max(1, truth.count(name) + guess.count(name)))
    return accuracy, sum(f1) / len(f1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of the labelled sets")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--checkpoint", help="folder to run with PyTorch")
    which.add_argument("--valence", help="path of the valence program")
    parser.add_argument("--model", help="model folder for --valence (else the embedded one)")
    parser.add_argument("--splits", nargs="+", default=["dev", "test"], choices=["dev", "test"])
    parser.add_argument("--threads", type=int, default=1, help="PyTorch threads")
    parser.add_argument("--max-tokens", type=int, default=512, help="PyTorch truncation")
    parser.add_argument("--everyday", action="store_true", help="everyday sentences only")
    args = parser.parse_args()

    if args.checkpoint:
        model = TorchModel(args.checkpoint, args.threads, args.max_tokens)
    else:
        model = Program(args.valence, args.model)

    if not args.everyday:
        print(f"{'set':24} {'split':5} {'rows':>6} {'accuracy':>9} {'macro-F1':>9}")
        for name, classes in SETS:
            for split in args.splits:
                rows = read_tsv(os.path.join(args.data, name, split + ".tsv.gz"))
                scores = model.scores([text for _, text in rows])
                guess = [best(row, classes) for row in scores]
                accuracy, f1 = figures([label for label, _ in rows], guess, classes)
                print(
                    f"{name:24} {split:5} {len(rows):6} {accuracy:9.4f} {f1:9.4f}", flush=True
                )
        print()

    right = 0
    for (text, label), row in zip(EVERYDAY, model.scores([text for text, _ in EVERYDAY])):
        guess = best(row, LABELS)
        right += guess == label
        numbers = " ".join(f"{row[name]:.3f}" for name in LABELS)
        print(f"{'ok ' if guess == label else 'BAD'} {numbers} {guess:8} {text}")
    print(f"everyday sentences: {right} of {len(EVERYDAY)}")


if __name__ == "__main__":
    main()
