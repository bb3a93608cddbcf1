"""Recurrent networks: cells that are unrolled into symbols, fused layers, sentences in buckets, checkpoints.

Examples
--------
>>> import rsym as mx
>>> stack = mx.rnn.SequentialRNNCell()
>>> stack.add(mx.rnn.LSTMCell(num_hidden=100, prefix="lstm_l0_"))
>>> stack.add(mx.rnn.LSTMCell(num_hidden=100, prefix="lstm_l1_"))
>>> outputs, states = stack.unroll(5, mx.sym.Variable("data"), merge_outputs=True)
>>> outputs.infer_shape(data=(8, 5, 32))[1]
[(8, 5, 100)]
"""

from . import rnn_cell
from .rnn_cell import *
from . import rnn
from .rnn import *
from . import io
from .io import *
