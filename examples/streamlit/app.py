"""Sentiment in the browser: one text with its words, or a file with charts and a download.

    pip install -r requirements.txt
    streamlit run app.py
"""

import io
import os
import re

import pandas
import streamlit

import valence

DEFAULT = "Embedded default (English, three classes)"
FOLDER = "A folder of mine"
MODELS = {
    DEFAULT: None,
    "cardiffnlp/twitter-roberta-base-sentiment-latest": "cardiffnlp/twitter-roberta-base-sentiment-latest",
    "tabularisai/multilingual-sentiment-analysis": "tabularisai/multilingual-sentiment-analysis",
    FOLDER: None,
}
EXAMPLE = "The screen is gorgeous, but the battery died after a day."
MOST_WORDS = 200  # that are explained: each is one more text to classify
SHOWN_ROWS = 5
LEAST_WEIGHT = 0.05  # that is coloured


# Loaded once for all sessions, whatever is clicked.
@streamlit.cache_resource(show_spinner="Loading the model …")
def load_analyzer(model):
    return valence.Analyzer(model)


@streamlit.cache_data(show_spinner="Reading the rows …", max_entries=4)
def label_rows(_analyzer, model, frame, column):
    return valence.analyze_frame(frame, column, analyzer=_analyzer)


def choose_model():
    name = streamlit.sidebar.selectbox("Model", list(MODELS))
    model = MODELS[name]
    if name == FOLDER:
        model = streamlit.sidebar.text_input("Folder", placeholder="/path/to/model").strip()
        if not model:
            streamlit.info("Enter the folder of a model in the sidebar.")
            streamlit.stop()
    try:
        analyzer = load_analyzer(model)
    except (OSError, ValueError) as error:
        streamlit.error(f"This model cannot be used: {error}")
        streamlit.stop()
    streamlit.sidebar.caption(f"Labels: {', '.join(analyzer.labels)}")
    return analyzer, model


def polarity_of(result):
    """What explains a text: its polarity, or where the labels have none the score of the label."""
    return result.score if result.polarity is None else result.polarity


def explain(analyzer, text):
    """[(word, weight)]: how far the polarity falls when the word is taken out (occlusion)."""
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)][:MOST_WORDS]
    without = [text[:begin] + text[end:] for begin, end in words]
    whole = polarity_of(analyzer.analyze(text))
    results = analyzer.analyze(without)
    return [(text[begin:end], 0.0 if result.error else whole - polarity_of(result))
            for (begin, end), result in zip(words, results)]


def one_text(analyzer):
    text = streamlit.text_area("Text", value="", placeholder=EXAMPLE, height=120)
    if not text.strip():
        streamlit.caption("Enter a text.")
        return
    result = analyzer.analyze(text)
    left, middle, right = streamlit.columns(3)
    left.metric("Label", result.label)
    middle.metric("Score", f"{result.score:.3f}")
    right.metric("Polarity", "–" if result.polarity is None else f"{result.polarity:+.2f}")
    if result.windows > 1:
        streamlit.caption(f"{result.tokens} tokens, read in {result.windows} windows.")
    streamlit.bar_chart(pandas.Series(result.scores, name="score"), horizontal=True)
    streamlit.subheader("Word by word")
    weights = explain(analyzer, text)
    streamlit.markdown(" ".join(coloured(word, weight) for word, weight in weights))
    streamlit.caption("Green words make the text more positive, red ones more negative: how far the polarity falls "
                      "when the word is left out.")
    streamlit.dataframe(pandas.DataFrame(weights, columns=["word", "weight"]), hide_index=True)


def coloured(word, weight):
    """In Streamlit's Markdown, in which a text must not be read as commands."""
    shown = re.sub(r"([^\w\s])", r"\\\1", word)
    if abs(weight) < LEAST_WEIGHT:
        return shown
    return f":{'green' if weight > 0 else 'red'}-background[{shown}]"


def read_file(upload):
    name, data = upload.name.lower(), io.BytesIO(upload.getvalue())
    if name.endswith((".jsonl", ".ndjson")):
        return pandas.read_json(data, lines=True, dtype=False)
    if name.endswith(".txt"):
        return pandas.DataFrame({"text": data.read().decode("utf-8", "replace").splitlines()})
    return pandas.read_csv(data, sep="\t" if name.endswith(".tsv") else ",")


def guess_column(frame):
    """The column named text, else the one with the longest texts."""
    texts = [name for name in frame.columns if frame[name].map(lambda value: isinstance(value, str)).any()]
    for name in ("text", "review", "comment", "tweet", "message"):
        for column in texts:
            if str(column).lower() == name:
                return texts, column
    return texts, max(texts, key=lambda name: frame[name].astype(str).str.len().mean(), default=None)


def show_rows(labelled, column):
    # A column of the file that has the name of one of ours keeps it; ours then has a prefix.
    label, polarity = (name if f"valence_{name}" not in labelled else f"valence_{name}"
                       for name in ("label", "polarity"))
    used = labelled.dropna(subset=[label])
    streamlit.write(f"{len(used):,} rows labelled, {len(labelled) - len(used):,} without a text that can be used.")
    left, right = streamlit.columns(2)
    left.bar_chart(used[label].value_counts())
    if used[polarity].notna().any():
        bins = pandas.cut(used[polarity], [k / 5 - 1 for k in range(11)], include_lowest=True)
        counts = bins.value_counts(sort=False)
        counts.index = [f"{interval.mid:+.1f}" for interval in counts.index]
        right.bar_chart(counts)
        for title, rows in (("Most positive", used.nlargest(SHOWN_ROWS, polarity)),
                            ("Most negative", used.nsmallest(SHOWN_ROWS, polarity))):
            streamlit.subheader(title)
            streamlit.dataframe(rows[[column, label, polarity]], hide_index=True)
    streamlit.subheader("All rows")
    streamlit.dataframe(labelled)
    streamlit.download_button("Download CSV", labelled.to_csv(index=False), "labelled.csv", "text/csv")


def one_file(analyzer, model):
    upload = streamlit.file_uploader("File", type=["csv", "tsv", "txt", "jsonl", "ndjson"])
    if upload is None:
        return
    try:
        frame = read_file(upload)
    except (ValueError, OSError) as error:
        streamlit.error(f"The file cannot be read: {error}")
        return
    texts, guess = guess_column(frame)
    if not texts:
        streamlit.error("The file has no column of texts.")
        return
    column = streamlit.selectbox("Column of the texts", texts, index=texts.index(guess))
    # Cells that are no texts, numbers in a column of comments say, are rows without a text.
    frame[column] = frame[column].where(frame[column].map(lambda value: isinstance(value, str)))
    show_rows(label_rows(analyzer, model or "", frame, column), column)


def main():
    streamlit.set_page_config("Valence", layout="wide")
    streamlit.title("Valence")
    analyzer, model = choose_model()
    text, file = streamlit.tabs(["Text", "File"])
    with text:
        one_text(analyzer)
    with file:
        one_file(analyzer, model)
    streamlit.caption(f"{os.path.basename(str(model or 'default'))}, {analyzer.weight_bytes / 1e6:.0f} MB of weights. "
                      "Nothing leaves this machine.")


main()
