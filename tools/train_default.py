#!/usr/bin/env python3
"""Train Valence's default model: a three-class English sentiment classifier.

Fine-tunes a small BERT encoder (all-MiniLM-L6-v2) on one CPU thread and writes
an fp32 checkpoint folder in the usual layout (config.json, model.safetensors,
vocab.txt, tokenizer.json, tokenizer_config.json). The classes are negative,
neutral and positive, in this order.

    python tools/train_default.py --base BASE --data DATA --out OUT

BASE is an unpacked all-MiniLM-L6-v2 folder. DATA holds one folder a set, each
with train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting).

How the run is put together:

* Two-class sets (SST-2) say nothing about neutral. The loss of their rows is
  taken over the softmax of negative and positive alone, so they neither teach
  nor unteach the third class.
* The word embeddings are frozen: half of the parameters, hardly any of the
  gain, and words that the training rows lack keep their place.
* Batches hold rows of similar length, so next to nothing is spent on padding.
* The learning rate warms up, then falls linearly to zero. With --max-minutes
  it follows the clock when the clock is ahead of the step count, so a run on a
  slow or busy machine still ends annealed. Such a run is not repeatable to the
  bit; without the limit it is, for one thread and the pinned versions.
"""

import argparse
import gzip
import json
import os
import random
import re
import shutil
import time

import torch
from torch.nn import functional as F
from transformers import BertForSequenceClassification, BertTokenizerFast

LABELS = ["negative", "neutral", "positive"]
INDEX = {name: i for i, name in enumerate(LABELS)}

# GoEmotions names by polarity, after the grouping its authors publish. The
# fourth group (confusion, curiosity, realization, surprise) has no polarity:
# rows that carry one of these are left out.
GO_POSITIVE = set(
    "admiration amusement approval caring desire excitement gratitude joy love "
    "optimism pride relief".split()
)
GO_NEGATIVE = set(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief "
    "nervousness remorse sadness".split()
)


def read_tsv(path):
    """Yield (label, text) for each row of a gzipped two-column file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as handle:
        next(handle)
        for line in handle:
            label, _, text = line.rstrip("\n").partition("\t")
            yield label, text


def goemotions_polarity(label):
    """Map a comma-joined GoEmotions label to a class, or None when it has none."""
    names = set(label.split(","))
    if names == {"neutral"}:
        return "neutral"
    if names <= GO_POSITIVE:
        return "positive"
    if names <= GO_NEGATIVE:
        return "negative"
    return None


def normalise(text):
    """Reduce a text to its words, to find the same text in two sets."""
    text = re.sub(r"https?\S*|@\S+", " ", text.lower())
    return " ".join(re.findall(r"[^\W_]+", text))


def sample(rows, per_class, rng):
    """Keep at most per_class rows of each class, chosen at random."""
    kept = []
    for label in LABELS:
        group = [row for row in rows if row[0] == label]
        rng.shuffle(group)
        kept += group[:per_class]
    return kept


def load_rows(args, rng):
    """Two- and three-class training rows: (class index, two-class flag, text)."""
    held_out = set()
    for name in ("en-sst2", "en-tweeteval-sentiment", "en-goemotions"):
        for split in ("dev", "test"):
            path = os.path.join(args.data, name, split + ".tsv.gz")
            if os.path.exists(path):
                held_out.update(normalise(text) for _, text in read_tsv(path))

    def clean(rows):
        # Very short texts ("great movie") are the same everywhere by chance.
        return [
            row
            for row in rows
            if len(row[1]) < 15 or normalise(row[1]) not in held_out
        ]

    def train(name):
        return read_tsv(os.path.join(args.data, name, "train.tsv.gz"))

    sst = clean(train("en-sst2"))
    rng.shuffle(sst)
    sst = sst[: args.sst2_rows]
    tweets = sample(clean(train("en-tweeteval-sentiment")), args.tweets_per_class, rng)
    reddit = [(goemotions_polarity(label), text) for label, text in train("en-goemotions")]
    reddit = sample(clean(row for row in reddit if row[0]), args.reddit_per_class, rng)
    print(f"rows: sst2 {len(sst)}, tweets {len(tweets)}, reddit {len(reddit)}", flush=True)
    two_class = [(INDEX[label], True, text) for label, text in sst]
    three_class = [(INDEX[label], False, text) for label, text in tweets + reddit]
    rng.shuffle(three_class)
    return two_class, three_class


def make_batches(part, lengths, batch_size, rng):
    """Group row numbers into batches of similar length, in random order."""
    order = sorted(part, key=lambda i: (lengths[i], rng.random()))
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    rng.shuffle(batches)
    return batches


def pad(ids):
    """Pad lists of token ids to a rectangle; return ids and attention mask."""
    width = max(len(row) for row in ids)
    tokens = torch.zeros(len(ids), width, dtype=torch.long)
    mask = torch.zeros(len(ids), width, dtype=torch.long)
    for i, row in enumerate(ids):
        tokens[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return tokens, mask


def loss_of(logits, target, two_class):
    """Mean cross-entropy; rows of two-class sets leave neutral out."""
    blocked = torch.zeros_like(logits)
    blocked[two_class, INDEX["neutral"]] = float("-inf")
    return F.cross_entropy(logits + blocked, target)


def predict(model, tokenizer, texts, max_tokens):
    """Class probabilities of texts, in their order."""
    ids = tokenizer(texts, truncation=True, max_length=max_tokens)["input_ids"]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    probabilities = torch.zeros(len(ids), len(LABELS))
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            tokens, mask = pad([ids[i] for i in part])
            logits = model(input_ids=tokens, attention_mask=mask).logits
            probabilities[part] = logits.softmax(-1)
    model.train()
    return probabilities


def dev_report(model, tokenizer, args, limit):
    """One line of dev figures: SST-2 accuracy, tweet macro-F1."""
    rows = list(read_tsv(os.path.join(args.data, "en-sst2", "dev.tsv.gz")))
    rows = rows[:limit]
    scores = predict(model, tokenizer, [text for _, text in rows], args.max_tokens)
    right = sum(
        (score[2] > score[0]) == (label == "positive")
        for score, (label, _) in zip(scores.tolist(), rows)
    )
    sst = right / len(rows)
    rows = list(read_tsv(os.path.join(args.data, "en-tweeteval-sentiment", "dev.tsv.gz")))
    rows = rows[:limit]
    scores = predict(model, tokenizer, [text for _, text in rows], args.max_tokens)
    guess = scores.argmax(-1).tolist()
    truth = [INDEX[label] for label, _ in rows]
    f1 = []
    for c in range(len(LABELS)):
        hit = sum(g == c and t == c for g, t in zip(guess, truth))
        f1.append(2 * hit / max(1, guess.count(c) + truth.count(c)))
    return f"dev: sst2 accuracy {sst:.4f}, tweets macro-F1 {sum(f1) / len(f1):.4f}"


def save(model, tokenizer, args, folder):
    """Write the checkpoint folder."""
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    shutil.copyfile(os.path.join(args.base, "vocab.txt"), os.path.join(folder, "vocab.txt"))
    path = os.path.join(folder, "tokenizer_config.json")
    with open(path, encoding="utf-8") as handle:
        config = json.load(handle)
    config["do_lower_case"] = True
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(config, handle, indent=2)
        handle.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--data", required=True, help="folder of the labelled sets")
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--init", help="go on from this checkpoint instead of BASE")
    parser.add_argument(
        "--passes",
        type=int,
        default=2,
        help="times SST-2 is seen; the three-class rows are spread over these passes",
    )
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--head-lr", type=float, default=5e-4, help="pooler and classifier")
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--warmup", type=float, default=0.06, help="share of the run")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--sst2-rows", type=int, default=60000)
    parser.add_argument("--tweets-per-class", type=int, default=9000)
    parser.add_argument("--reddit-per-class", type=int, default=1300)
    parser.add_argument("--max-minutes", type=float, default=0, help="0: no limit")
    parser.add_argument("--save-minutes", type=float, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)

    tokenizer = BertTokenizerFast.from_pretrained(args.base, do_lower_case=True)
    model = BertForSequenceClassification.from_pretrained(
        args.init or args.base,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id=INDEX,
        hidden_dropout_prob=args.dropout,
        attention_probs_dropout_prob=args.dropout,
        attn_implementation="eager",
    )
    model.bert.embeddings.word_embeddings.weight.requires_grad = False
    model.train()

    pairs, triples = load_rows(args, rng)
    rows = pairs + triples
    ids = tokenizer(
        [text for _, _, text in rows], truncation=True, max_length=args.max_tokens
    )["input_ids"]
    lengths = [len(row) for row in ids]
    batches = []
    # A pass sees all two-class rows and its share of the three-class rows.
    for k in range(args.passes):
        part = list(range(len(pairs)))
        part += range(len(pairs) + k, len(rows), args.passes)
        batches += make_batches(part, lengths, args.batch_size, rng)
    total = len(batches)
    tokens = sum(lengths[i] for batch in batches for i in batch)
    print(f"{total} steps, {tokens} tokens", flush=True)

    groups = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        head = name.startswith(("classifier", "bert.pooler"))
        decay = 0.0 if parameter.ndim < 2 else args.weight_decay
        groups.setdefault((head, decay), []).append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": decay,
                "peak": args.head_lr if head else args.lr,
                "lr": 0.0,
            }
            for (head, decay), parameters in groups.items()
        ],
        fused=True,
    )

    start = saved = time.monotonic()
    running = None
    for step, batch in enumerate(batches):
        now = time.monotonic()
        progress = step / total
        if args.max_minutes:
            progress = max(progress, (now - start) / 60 / args.max_minutes)
            if progress >= 1:
                print(f"time is up at step {step} of {total}", flush=True)
                break
        if progress < args.warmup:
            scale = (step + 1) / (args.warmup * total)
        else:
            scale = (1 - progress) / (1 - args.warmup)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * min(1.0, scale)

        tokens, mask = pad([ids[i] for i in batch])
        target = torch.tensor([rows[i][0] for i in batch])
        two_class = torch.tensor([rows[i][1] for i in batch])
        logits = model(input_ids=tokens, attention_mask=mask).logits
        loss = loss_of(logits, target, two_class)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

        value = loss.item()
        running = value if running is None else 0.98 * running + 0.02 * value
        if step % 50 == 0:
            minutes = (time.monotonic() - start) / 60
            print(f"{minutes:6.1f} min  step {step}/{total}  loss {running:.4f}", flush=True)
        if now - saved > args.save_minutes * 60:
            saved = now
            save(model, tokenizer, args, args.out)
            print(dev_report(model, tokenizer, args, 500), flush=True)

    save(model, tokenizer, args, args.out)
    print(f"trained {(time.monotonic() - start) / 60:.1f} min", flush=True)
    print(dev_report(model, tokenizer, args, None), flush=True)


if __name__ == "__main__":
    main()
