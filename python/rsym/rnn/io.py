"""Sentences as numbers, in batches of equal length."""

import bisect
import logging
import random

import numpy as np

from .. import ndarray as nd
from ..io import DataBatch, DataDesc, DataIter

__all__ = ["encode_sentences", "BucketSentenceIter"]


def encode_sentences(sentences, vocab=None, invalid_label=-1, invalid_key="\n", start_label=0, unknown_token=None):
    """Turns words into numbers.

    Parameters
    ----------
    sentences : list of list of str
    vocab : dict of str to int, optional
        The number of each word. By default a new one, which takes in every word.
    invalid_label : int
        The number of `invalid_key` in a new vocabulary; no other word gets it.
    invalid_key : str
        The word that ends a sentence.
    start_label : int
        The first number.
    unknown_token : str, optional
        What stands for words that a given vocabulary lacks, which are an AssertionError without it.

    Returns
    -------
    sentences : list of list of int
    vocab : dict of str to int

    Examples
    --------
    >>> encode_sentences([["a", "b"], ["b", "c"]])
    ([[0, 1], [1, 2]], {'\\n': -1, 'a': 0, 'b': 1, 'c': 2})
    """
    is_new = vocab is None
    vocab = {invalid_key: invalid_label} if is_new else vocab
    number = start_label
    encoded = []
    for sentence in sentences:
        codes = []
        for word in sentence:
            if word not in vocab:
                assert is_new or unknown_token, "Unknown token %s" % word
                if number == invalid_label:
                    number += 1
                word = unknown_token or word
                if word not in vocab:
                    vocab[word] = number
                    number += 1
            codes.append(vocab[word])
        encoded.append(codes)
    return encoded, vocab


class BucketSentenceIter(DataIter):
    """Batches of sentences that are about equally long; the label of each word is the next word.

    Parameters
    ----------
    sentences : list of list of int
        As `encode_sentences` gives them.
    batch_size : int
    buckets : list of int, optional
        The lengths of batches; a sentence goes into the shortest that holds it. By default every length that at least
        `batch_size` sentences have. Longer sentences are left out.
    invalid_label : int
        What fills the rest of a sentence.
    data_name, label_name : str
    dtype : str
    layout : str
        'NT' for (batch, length), 'TN' for (length, batch).

    Attributes
    ----------
    default_bucket_key : int
        The longest bucket.

    Examples
    --------
    >>> it = BucketSentenceIter([[1, 2, 3], [4, 5], [6, 7, 8]], batch_size=1, buckets=[2, 3])
    >>> sorted(batch.bucket_key for batch in it)
    [2, 3, 3]
    """

    def __init__(
        self,
        sentences,
        batch_size,
        buckets=None,
        invalid_label=-1,
        data_name="data",
        label_name="softmax_label",
        dtype="float32",
        layout="NT",
    ):
        super().__init__(batch_size)
        self.major_axis = layout.find("N")
        if self.major_axis not in (0, 1):
            raise ValueError("Invalid layout %s: Must by NT (batch major) or TN (time major)" % layout)
        if not buckets:
            counts = np.bincount([len(sentence) for sentence in sentences])
            buckets = [length for length, count in enumerate(counts) if count >= batch_size]
        if not buckets:
            raise ValueError("no length has %d sentences: give buckets, or make batches smaller" % batch_size)
        self.dtype, self.layout, self.invalid_label = dtype, layout, invalid_label
        self.data_name, self.label_name = data_name, label_name
        filled = self._fill(sentences, sorted(buckets))
        self.buckets = list(filled)
        self.data = list(filled.values())
        self.default_bucket_key = max(self.buckets)
        shape = (batch_size, self.default_bucket_key)
        self.provide_data = [self._desc(data_name, shape if self.major_axis == 0 else shape[::-1])]
        self.provide_label = [self._desc(label_name, shape if self.major_axis == 0 else shape[::-1])]
        self.idx = [(i, j) for i, rows in enumerate(self.data) for j in range(0, len(rows) - batch_size + 1, batch_size)]
        self.reset()

    def _fill(self, sentences, buckets):
        """The padded sentences of each bucket that has any."""
        rows = {length: [] for length in buckets}
        discarded = 0
        for sentence in sentences:
            at = bisect.bisect_left(buckets, len(sentence))
            if at == len(buckets):
                discarded += 1
                continue
            row = np.full((buckets[at],), self.invalid_label, dtype=self.dtype)
            row[: len(sentence)] = sentence
            rows[buckets[at]].append(row)
        if discarded:
            logging.warning("discarded %d sentences longer than the largest bucket.", discarded)
        return {length: np.asarray(found, dtype=self.dtype) for length, found in rows.items() if found}

    def _desc(self, name, shape):
        return DataDesc(name=name, shape=shape, layout=self.layout)

    def reset(self):
        """Shuffles the sentences and starts anew. Python's and NumPy's random numbers decide the order."""
        self.curr_idx = 0
        random.shuffle(self.idx)
        self.nddata, self.ndlabel = [], []
        for rows in self.data:
            np.random.shuffle(rows)
            ends = np.full((len(rows), 1), self.invalid_label, dtype=rows.dtype)
            self.nddata.append(nd.array(rows, dtype=self.dtype))
            self.ndlabel.append(nd.array(np.concatenate([rows[:, 1:], ends], axis=1), dtype=self.dtype))

    def next(self):
        """The next batch; its `bucket_key` is the length."""
        if self.curr_idx == len(self.idx):
            raise StopIteration
        i, j = self.idx[self.curr_idx]
        self.curr_idx += 1
        data, label = (rows[i][j : j + self.batch_size] for rows in (self.nddata, self.ndlabel))
        if self.major_axis == 1:
            data, label = data.T, label.T
        return DataBatch(
            [data],
            [label],
            pad=0,
            bucket_key=self.buckets[i],
            provide_data=[self._desc(self.data_name, data.shape)],
            provide_label=[self._desc(self.label_name, label.shape)],
        )
