"""Cells whose inputs and states are images: the products are convolutions."""

import functools

from .. import symbol as sym
from ._base import BaseRNNCell
from ._gates import GRU_GATES, LSTM_GATES, gru_step, lstm_step

__all__ = ["BaseConvRNNCell", "ConvRNNCell", "ConvLSTMCell", "ConvGRUCell"]

_LEAKY = functools.partial(sym.LeakyReLU, act_type="leaky", slope=0.2)


class BaseConvRNNCell(BaseRNNCell):
    """The base of convolutional cells.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of the input of one step, the batch included.
    num_hidden : int
        Channels of output and state.
    h2h_kernel, h2h_dilate : tuple of int
        Kernel, of odd extents, and dilation of the convolution of the state, which keeps its shape.
    i2h_kernel, i2h_stride, i2h_pad, i2h_dilate : tuple of int
        The convolution of the input.
    i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer : str or Initializer
        How the weights begin; None for the initializer of the whole network.
    activation : str or callable
        'tanh', 'relu' or another function of `sym.Activation`, or a function of a symbol.
    prefix : str, optional
        By default the name of the kind and ``_``.
    params : RNNParams, optional
        A container to share weights with other cells.
    conv_layout : str
        Order of the axes of images: 'NCHW' or 'NHWC'.
    """

    _PREFIX = ""

    def __init__(
        self,
        input_shape,
        num_hidden,
        h2h_kernel=(3, 3),
        h2h_dilate=(1, 1),
        i2h_kernel=(3, 3),
        i2h_stride=(1, 1),
        i2h_pad=(1, 1),
        i2h_dilate=(1, 1),
        i2h_weight_initializer=None,
        h2h_weight_initializer=None,
        i2h_bias_initializer="zeros",
        h2h_bias_initializer="zeros",
        activation=_LEAKY,
        prefix=None,
        params=None,
        conv_layout="NCHW",
    ):
        super().__init__(prefix=self._PREFIX if prefix is None else prefix, params=params)
        assert all(k % 2 == 1 for k in h2h_kernel), "Only support odd number, get h2h_kernel= %s" % str(h2h_kernel)
        h2h_pad = tuple(dilate * (kernel - 1) // 2 for dilate, kernel in zip(h2h_dilate, h2h_kernel))
        self._num_hidden = num_hidden
        self._conv_layout = conv_layout
        self._activation = activation
        self._i2h = dict(kernel=i2h_kernel, stride=i2h_stride, pad=i2h_pad, dilate=i2h_dilate, layout=conv_layout)
        self._h2h = dict(kernel=h2h_kernel, stride=(1, 1), pad=h2h_pad, dilate=h2h_dilate, layout=conv_layout)
        output = sym.Convolution(data=sym.Variable("data"), num_filter=num_hidden, **self._i2h)
        self._state_shape = (0,) + output.infer_shape(data=input_shape)[1][0][1:]
        self._iW = self.params.get("i2h_weight", init=i2h_weight_initializer)
        self._hW = self.params.get("h2h_weight", init=h2h_weight_initializer)
        self._iB = self.params.get("i2h_bias", init=i2h_bias_initializer)
        self._hB = self.params.get("h2h_bias", init=h2h_bias_initializer)

    @property
    def _num_gates(self):
        return len(self._gate_names)

    @property
    def state_info(self):
        return [{"shape": self._state_shape, "__layout__": self._conv_layout}]

    @property
    def _channels(self):
        return self._conv_layout.find("C")

    def _conv_forward(self, inputs, states, name):
        filters = self._num_hidden * self._num_gates
        i2h = sym.Convolution(name="%si2h" % name, data=inputs, num_filter=filters, weight=self._iW, bias=self._iB, **self._i2h)
        h2h = sym.Convolution(
            name="%sh2h" % name, data=states[0], num_filter=filters, weight=self._hW, bias=self._hB, **self._h2h
        )
        return i2h, h2h

    def _transform(self, data, **kwargs):
        return self._get_activation(data, self._activation, **kwargs)

    def __call__(self, inputs, states):
        raise NotImplementedError("BaseConvRNNCell is abstract class for convolutional RNN")


class ConvRNNCell(BaseConvRNNCell):
    """A plain convolutional cell; the parameters are those of `BaseConvRNNCell`.

    Examples
    --------
    >>> import rsym as mx
    >>> cell = mx.rnn.ConvRNNCell(input_shape=(1, 3, 16, 10), num_hidden=5)
    >>> cell.state_shape
    [(0, 5, 16, 10)]
    """

    _PREFIX = "ConvRNN_"

    @property
    def _gate_names(self):
        return ("",)

    def __call__(self, inputs, states):
        name = self._step_name()
        i2h, h2h = self._conv_forward(inputs, states, name)
        output = self._transform(i2h + h2h, name="%sout" % name)
        return output, [output]


class ConvLSTMCell(BaseConvRNNCell):
    """A convolutional LSTM; the parameters are those of `BaseConvRNNCell`.

    Notes
    -----
    Shi et al., Convolutional LSTM Network (2015).
    """

    _PREFIX = "ConvLSTM_"

    @property
    def _gate_names(self):
        return LSTM_GATES

    @property
    def state_info(self):
        return super().state_info * 2

    def __call__(self, inputs, states):
        name = self._step_name()
        i2h, h2h = self._conv_forward(inputs, states, name)
        output, cell = lstm_step(name, i2h + h2h, states[1], self._transform, axis=self._channels)
        return output, [output, cell]


class ConvGRUCell(BaseConvRNNCell):
    """A convolutional gated recurrent unit; the parameters are those of `BaseConvRNNCell`."""

    _PREFIX = "ConvGRU_"

    @property
    def _gate_names(self):
        return GRU_GATES

    def __call__(self, inputs, states):
        name = self._step_name()
        i2h, h2h = self._conv_forward(inputs, states, name)
        output = gru_step(name, i2h, h2h, states[0], self._transform, axis=self._channels)
        return output, [output]
