"""The formulas of LSTM and GRU on sums that dense and convolutional cells make in their own ways."""

from .. import symbol as sym

LSTM_GATES = ["_i", "_f", "_c", "_o"]
GRU_GATES = ["_r", "_z", "_o"]


def lstm_step(name, gates, cell, transform, axis=1):
    """The next output and cell of an LSTM.

    Parameters
    ----------
    name : str
        Prefix of names.
    gates : Symbol
        The sums of the four gates along `axis`, in the order in, forget, new value, out.
    cell : Symbol
    transform : callable
        The function of the new value and of the cell; takes a symbol, and a name or none.
    axis : int
    """
    parts = sym.SliceChannel(gates, num_outputs=4, axis=axis, name="%sslice" % name)

    def gate(k, letter):
        return sym.Activation(parts[k], act_type="sigmoid", name=name + letter)

    in_gate, forget_gate = gate(0, "i"), gate(1, "f")
    new = transform(parts[2], name="%sc" % name)
    out_gate = gate(3, "o")
    cell = sym._internal._plus(forget_gate * cell, in_gate * new, name="%sstate" % name)
    return sym._internal._mul(out_gate, transform(cell), name="%sout" % name), cell


def gru_step(name, i2h, h2h, state, transform, axis=1):
    """The next state of a GRU.

    Parameters
    ----------
    name : str
        Prefix of names.
    i2h, h2h : Symbol
        What input and state give to reset gate, update gate and new value, along `axis`.
    state : Symbol
    transform : callable
        The function of the new value; takes a symbol and a name.
    axis : int
    """
    i2h_r, i2h_z, i2h_new = sym.SliceChannel(i2h, num_outputs=3, axis=axis, name="%s_i2h_slice" % name)
    h2h_r, h2h_z, h2h_new = sym.SliceChannel(h2h, num_outputs=3, axis=axis, name="%s_h2h_slice" % name)
    reset = sym.Activation(i2h_r + h2h_r, act_type="sigmoid", name="%s_r_act" % name)
    update = sym.Activation(i2h_z + h2h_z, act_type="sigmoid", name="%s_z_act" % name)
    new = transform(i2h_new + reset * h2h_new, name="%s_h_act" % name)
    return sym._internal._plus((1.0 - update) * new, update * state, name="%sout" % name)
