"""`train`: fine-tunes a model on labelled rows, as `valence train` does."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from valence.errors import TrainingFailed


def _flags(options):
    """{"text_column": "review"} as --text-column review."""
    flags = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            flags.append(flag)
        elif isinstance(value, (list, tuple)):
            for one in value:
                flags += [flag, str(one)]
        else:
            flags += [flag, str(value)]
    return flags


def _run(arguments, quiet):
    """A process of its own: an interruption ends it as it ends the program, and its memory goes with it."""
    command = [sys.executable, "-m", "valence", "train", *arguments]
    run = subprocess.run(command, stderr=subprocess.PIPE if quiet else None, text=True, check=False)
    if run.returncode == 130:
        raise KeyboardInterrupt
    if run.returncode != 0:
        said = (run.stderr or "").strip().splitlines()
        raise TrainingFailed(said[-1] if said else "valence train failed; its message stands above", run.returncode)


def _metrics(folder):
    """What the run says of itself: the best evaluation, the steps."""
    with open(folder / "trainer_state.json", encoding="utf-8") as file:
        state = json.load(file)
    metrics = {"steps": state.get("global_step"), "best_metric": state.get("best_metric")}
    evaluations = [entry for entry in state.get("log_history", []) if "eval_loss" in entry]
    if evaluations:
        metrics.update(evaluations[-1])
    return metrics


def train(data, output, *, labels=None, quiet=False, **options):
    """Fine-tunes a model on labelled rows and returns its metrics; the model is then in the folder `output`.

    `data` is a file or several (CSV, TSV, JSON Lines), or a list of texts whose labels are `labels`. `options` are those
    of `valence train`, with underscores: text_column, label_column, model, method, epochs, learning_rate, … ; False
    leaves a flag out. TrainingFailed says why it did not work.

    >>> valence.train("tickets.csv", "my-model", text_column="text", label_column="label", epochs=3)
    {'steps': 120, 'best_metric': 0.91, 'eval_loss': 0.31, ...}
    >>> valence.Analyzer("my-model").analyze("where is my parcel?").label
    'shipping'
    """
    output = pathlib.Path(output)
    arguments = ["--output", str(output), *_flags(options), *(["--quiet"] if quiet else [])]
    if labels is None:
        files = [data] if isinstance(data, (str, os.PathLike)) else list(data)
        _run([*map(str, files), *arguments], quiet)
        return _metrics(output)
    with tempfile.TemporaryDirectory() as folder:
        rows = pathlib.Path(folder) / "rows.csv"
        write_rows(rows, data, labels)
        _run([str(rows), "--text-column", "text", "--label-column", "label", *arguments], quiet)
    return _metrics(output)


def write_rows(path, texts, labels):
    """Texts and their labels as a CSV file."""
    texts, labels = list(texts), list(labels)
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(texts, labels, strict=True))
