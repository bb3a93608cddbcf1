"""What all recurrent cells share: parameters, states, unrolling, packing of weights."""

from .. import ndarray as nd
from .. import symbol as sym

__all__ = ["RNNParams", "BaseRNNCell"]


def begin_states(cells, **kwargs):
    """The first states of all cells, one after the other."""
    return [state for cell in cells for state in cell.begin_state(**kwargs)]


def state_info(cells):
    """The descriptions of the states of all cells, one after the other."""
    return [info for cell in cells for info in cell.state_info]


def unpack_all(cells, args):
    """`args` with the weights of all cells unpacked."""
    for cell in cells:
        args = cell.unpack_weights(args)
    return args


def pack_all(cells, args):
    """`args` with the weights of all cells packed."""
    for cell in cells:
        args = cell.pack_weights(args)
    return args


def split_steps(inputs, axis, length):
    """The steps of a sequence as a list of symbols without the axis of time."""
    return list(sym.split(inputs, axis=axis, num_outputs=length, squeeze_axis=1))


def normalize_sequence(length, inputs, layout, merge, in_layout=None):
    """Brings a sequence into one form.

    Parameters
    ----------
    length : int or None
        Number of steps.
    inputs : Symbol or list of Symbol
        One symbol with an axis of time, or one for each step.
    layout : str
        Order of the axes, with 'T' for time: 'NTC' or 'TNC'.
    merge : bool or None
        Whether the answer is one symbol (True), a list (False), or as it is (None).
    in_layout : str, optional
        Order of the axes of `inputs`, if another.

    Returns
    -------
    inputs : Symbol or list of Symbol
    axis : int
        The axis of time in `layout`.
    """
    assert inputs is not None, "unroll(inputs=None) has been deprecated. Please create input variables outside unroll."
    axis = layout.find("T")
    in_axis = axis if in_layout is None else in_layout.find("T")
    if isinstance(inputs, sym.Symbol):
        if merge is False:
            assert len(inputs.list_outputs()) == 1, (
                "unroll doesn't allow grouped symbol as input. Please convert to list with list(inputs) first or let "
                "unroll handle splitting."
            )
            inputs = split_steps(inputs, in_axis, length)
    else:
        assert length is None or len(inputs) == length
        if merge is True:
            inputs = sym.Concat(*(sym.expand_dims(step, axis=axis) for step in inputs), dim=axis)
            in_axis = axis
    if isinstance(inputs, sym.Symbol) and axis != in_axis:
        inputs = sym.swapaxes(inputs, dim1=axis, dim2=in_axis)
    return inputs, axis


class RNNParams:
    """Variables by name, made when they are first asked for: cells with the same container share their weights.

    Parameters
    ----------
    prefix : str
        Put before all names.

    Examples
    --------
    >>> params = RNNParams("rnn_")
    >>> params.get("i2h_weight") is params.get("i2h_weight"), params.get("i2h_weight").name
    (True, 'rnn_i2h_weight')
    """

    def __init__(self, prefix=""):
        self._prefix = prefix
        self._params = {}

    def get(self, name, **kwargs):
        """The variable called `name`; the keywords are those of `sym.Variable` and count when it is made."""
        name = self._prefix + name
        if name not in self._params:
            self._params[name] = sym.Variable(name, **kwargs)
        return self._params[name]


class BaseRNNCell:
    """The base of recurrent cells: something that takes an input and states, and gives an output and the next states.

    Parameters
    ----------
    prefix : str
        Put before the names of layers, and of weights unless `params` is given.
    params : RNNParams, optional
        A container to share weights with other cells.
    """

    def __init__(self, prefix="", params=None):
        self._own_params = params is None
        self._params = RNNParams(prefix) if params is None else params
        self._prefix = prefix
        self._modified = False
        self.reset()

    def reset(self):
        """Lets names start anew, before the cell is used in another graph."""
        self._init_counter = -1
        self._counter = -1
        for cell in getattr(self, "_cells", ()):
            cell.reset()

    def __call__(self, inputs, states):
        """Runs one step.

        Parameters
        ----------
        inputs : Symbol
            (batch, features).
        states : list of Symbol
            The states of the step before, or those of `begin_state`.

        Returns
        -------
        output : Symbol
        states : list of Symbol
            For the next step.
        """
        raise NotImplementedError()

    @property
    def params(self):
        """The container of the cell's variables."""
        self._own_params = False
        return self._params

    @property
    def state_info(self):
        """A dict with ``shape`` (0 for the batch) and ``__layout__`` for each state."""
        raise NotImplementedError()

    @property
    def state_shape(self):
        """The shape of each state, with 0 for the batch."""
        return [info["shape"] for info in self.state_info]

    @property
    def _gate_names(self):
        return ()

    def _assert_unmodified(self):
        assert not self._modified, (
            "After applying modifier cells (e.g. DropoutCell) the base cell cannot be called directly. Call the "
            "modifier cell instead."
        )

    def begin_state(self, func=sym.zeros, **kwargs):
        """The states of the first step.

        Parameters
        ----------
        func : callable
            Makes a symbol from ``name``, ``shape`` and further keywords: `sym.zeros`, `sym.ones`, `sym.Variable` ...
        **kwargs
            Handed to `func`.

        Returns
        -------
        list of Symbol
        """
        self._assert_unmodified()
        states = []
        for info in self.state_info:
            self._init_counter += 1
            name = "%sbegin_state_%d" % (self._prefix, self._init_counter)
            states.append(func(name=name, **{**kwargs, **(info or {})}))
        return states

    def _groups(self):
        """Names of packed weights with the names of their parts."""
        for group in ("i2h", "h2h"):
            for kind in ("weight", "bias"):
                whole = "%s%s_%s" % (self._prefix, group, kind)
                yield whole, ["%s%s%s_%s" % (self._prefix, group, gate, kind) for gate in self._gate_names]

    def unpack_weights(self, args):
        """Cuts the weights of the cell into those of its gates.

        Parameters
        ----------
        args : dict of str to NDArray
            Packed weights, others among them.

        Returns
        -------
        dict of str to NDArray

        See Also
        --------
        pack_weights : the other direction.
        """
        args = args.copy()
        if not self._gate_names:
            return args
        for whole, parts in self._groups():
            packed = args.pop(whole)
            for k, part in enumerate(parts):
                args[part] = packed[k * self._num_hidden : (k + 1) * self._num_hidden].copy()
        return args

    def pack_weights(self, args):
        """Joins the weights of gates to those of the cell.

        Parameters
        ----------
        args : dict of str to NDArray
            What `unpack_weights` gave.

        Returns
        -------
        dict of str to NDArray
        """
        args = args.copy()
        if not self._gate_names:
            return args
        for whole, parts in self._groups():
            args[whole] = nd.concatenate([args.pop(part) for part in parts])
        return args

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """Runs the cell over several steps.

        Parameters
        ----------
        length : int
            Number of steps.
        inputs : Symbol or list of Symbol
            One symbol of shape (batch, length, ...) for layout 'NTC' or (length, batch, ...) for 'TNC', or one of shape
            (batch, ...) for each step.
        begin_state : list of Symbol, optional
            `begin_state()` by default.
        layout : str
            Order of the axes of `inputs` and of merged outputs.
        merge_outputs : bool, optional
            Whether outputs become one symbol with an axis of time (True) or a list (False); None for what is faster.

        Returns
        -------
        outputs : Symbol or list of Symbol
        states : list of Symbol
            Those after the last step.

        Examples
        --------
        >>> import rsym as mx
        >>> cell = mx.rnn.RNNCell(100, prefix="rnn_")
        >>> outputs, _ = cell.unroll(2, [mx.sym.Variable("t%d" % i) for i in range(2)])
        >>> mx.sym.Group(outputs).list_outputs()
        ['rnn_t0_out_output', 'rnn_t1_out_output']
        """
        self.reset()
        inputs, _ = normalize_sequence(length, inputs, layout, False)
        states = self.begin_state() if begin_state is None else begin_state
        outputs = []
        for step in range(length):
            output, states = self(inputs[step], states)
            outputs.append(output)
        return normalize_sequence(length, outputs, layout, merge_outputs)[0], states

    def _get_activation(self, inputs, activation, **kwargs):
        if isinstance(activation, str):
            return sym.Activation(inputs, act_type=activation, **kwargs)
        return activation(inputs, **kwargs)

    def _step_name(self):
        """The prefix of names in the next step."""
        self._counter += 1
        return "%st%d_" % (self._prefix, self._counter)
