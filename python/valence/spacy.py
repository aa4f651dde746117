"""A component of spaCy: `doc._.sentiment`, `doc._.polarity`, and the same of each sentence.

>>> nlp = spacy.blank("en")
>>> nlp.add_pipe("sentencizer")
>>> nlp.add_pipe("valence", config={"model": None})
>>> doc = nlp("I love the screen. I hate the battery.")
>>> [(sentence.text, sentence._.sentiment) for sentence in doc.sents]
[('I love the screen.', 'positive'), ('I hate the battery.', 'negative')]
"""

from spacy.language import Language
from spacy.tokens import Doc, Span

from valence.analyzer import Analyzer

_KEY = "valence"
_FIELDS = {"sentiment": "label", "sentiment_score": "score", "polarity": "polarity"}


def _answer(doc, first, last, field):
    answers = doc.user_data.get(_KEY, {})
    found = answers.get(f"{first}:{last}")
    return found[field] if found else None


def _add_extensions():
    for name, field in _FIELDS.items():
        Doc.set_extension(name, getter=lambda doc, field=field: _answer(doc, 0, len(doc), field), force=True)
        Span.set_extension(name, getter=lambda span, field=field: _answer(span.doc, span.start, span.end, field),
                           force=True)


_add_extensions()


@Language.factory("valence", default_config={"model": None, "dtype": "auto", "threads": 0, "sentences": True})
def make_valence(nlp, name, model, dtype, threads, sentences):
    return ValenceComponent(model, dtype, threads, sentences)


class ValenceComponent:
    """Labels documents and, where the pipeline before it marks them, sentences."""

    def __init__(self, model=None, dtype="auto", threads=0, sentences=True):
        self._analyzer = Analyzer(model, dtype=dtype, threads=threads)
        self._sentences = sentences

    def __call__(self, doc):
        self._label([doc])
        return doc

    def pipe(self, stream, *, batch_size=128):
        docs = []
        for doc in stream:
            docs.append(doc)
            if len(docs) == batch_size:
                yield from self._label(docs)
                docs = []
        yield from self._label(docs)

    def _label(self, docs):
        places = [(doc, span) for doc in docs for span in self._spans(doc)]
        results = self._analyzer.analyze([span.text for _, span in places])
        for (doc, span), result in zip(places, results, strict=True):
            if not result.error:
                answers = doc.user_data.setdefault(_KEY, {})
                answers[f"{span.start}:{span.end}"] = {field: getattr(result, field) for field in _FIELDS.values()}
        return docs

    def _spans(self, doc):
        yield doc[:]
        if self._sentences and doc.has_annotation("SENT_START"):
            yield from (sentence for sentence in doc.sents if len(sentence) < len(doc))

    # The model is its own file: a saved pipeline keeps its name in its config.
    def to_disk(self, path, *, exclude=()):
        pass

    def from_disk(self, path, *, exclude=()):
        return self
