"""`Symbol`: an expression over named variables, and the functions that make some."""

import numbers
import warnings

from .. import _dtypes, _files, _rsym, attribute
from .._fluent import add_methods
from ..base import DTypeError, MXNetError, NotImplementedForSymbol
from ..context import current_context
from ..util import is_np_shape

__all__ = ["Symbol", "Variable", "var", "Group", "load", "load_json"]

# Backends of MXNet for the CPU: what they do to a graph is left to the passes of executors.
_BACKENDS = ("MKLDNN", "MKLDNN_QUANTIZE")


class Symbol(_rsym.Symbol):
    """One or more outputs of a graph of operators.

    Symbols come from `Variable`, from operator functions such as `FullyConnected`, and from arithmetic on other
    symbols. A symbol is an immutable expression (but for `_set_attr`); graphs share what they have in common.

    Examples
    --------
    >>> import rsym as mx
    >>> data = mx.sym.Variable("data")
    >>> net = mx.sym.FullyConnected(data, name="fc1", num_hidden=10)
    >>> net.list_arguments()
    ['data', 'fc1_weight', 'fc1_bias']
    >>> net.infer_shape(data=(5, 20))[1]
    [(5, 10)]
    """

    __slots__ = ()
    __module__ = "rsym.symbol"
    __hash__ = object.__hash__
    __array_priority__ = 1000.0

    # -- looking at it ---------------------------------------------------------------------------------------------

    def __repr__(self):
        name = self.name
        if name is None:
            return "<%s group [%s]>" % (type(self).__name__, ", ".join(s.name for s in self))
        return "<%s %s>" % (type(self).__name__, name)

    def __iter__(self):
        return (self._at(i) for i in range(len(self)))

    def __bool__(self):
        raise NotImplementedForSymbol(self.__bool__, "bool")

    def __contains__(self, item):
        if isinstance(item, Symbol):
            raise NotImplementedForSymbol(self.__contains__, None, item)
        return item in self.list_outputs()

    def __getitem__(self, index):
        """The output with this number or name, or a group of those in a slice.

        Raises
        ------
        IndexError
            For a number past the end.
        ValueError
            For a name that no output has, or several have.
        MXNetError
            For a negative number.
        """
        if isinstance(index, slice):
            return self._slice_of(index)
        if isinstance(index, str):
            return self._find(index)
        if not isinstance(index, numbers.Integral):
            raise TypeError("Symbol only support integer index to fetch i-th output, or an output's name; got %r" % (index,))
        if index < 0:
            raise MXNetError("output %d: negative numbers do not count from the end; there are %d outputs" % (index, len(self)))
        return self._at(int(index))

    def _slice_of(self, index):
        wanted = list(range(len(self)))[index]
        if not wanted:
            raise TypeError(
                "the slice %s:%s:%s of %d outputs is empty: there is no symbol without outputs"
                % (index.start, index.stop, index.step, len(self))
            )
        return self._slice(wanted)

    @property
    def num_outputs(self):
        """The number of outputs."""
        return len(self)

    def debug_str(self):
        """A description of the graph, a paragraph for each node."""
        nodes = self._nodes()
        heads, versions = self._uses()
        lines = ["Symbol Outputs:"]
        lines += ["\toutput[%d]=%s(%d)" % (i, nodes[n][0], out) for i, (n, out) in enumerate(heads)]
        for (name, op, inputs, attrs, _), writes in zip(nodes, versions):
            if op == "null":
                lines.append("Variable:%s" % name)
                continue
            lines += ["--------------------", "Op:%s, Name=%s" % (op, name), "Inputs:"]
            for i, ((n, out), version) in enumerate(zip(inputs, writes)):
                line = "\targ[%d]=%s(%d)" % (i, nodes[n][0], out)
                lines.append(line if version is None else "%s version=%d" % (line, version))
            if attrs:
                lines += ["Attrs:"] + ["\t%s=%s" % item for item in sorted(attrs.items())]
        return "\n".join(lines) + "\n"

    # -- attributes ------------------------------------------------------------------------------------------------

    def attr(self, key):
        """The attribute `key`, also in the form ``__key__``, or the operator's parameter `key`; None if there is none.

        Examples
        --------
        >>> import rsym as mx
        >>> mx.sym.Variable("data", attr={"mood": "angry"}).attr("mood")
        'angry'
        """
        return self._attr(key)

    def list_attr(self, recursive=False):
        """The attributes that users gave.

        Parameters
        ----------
        recursive : bool, default False
            Whether to list those of all nodes below as well, each key after the name of its node.

        Returns
        -------
        dict of str to str
        """
        return self._list_attr_recursive() if recursive else self._list_attr()

    def _set_attr(self, **kwargs):
        """Sets attributes, in every symbol that shares the node; ``name=`` renames it.

        Raises
        ------
        ValueError
            For a value that is not text.
        """
        for key, value in kwargs.items():
            if not isinstance(value, str):
                raise ValueError("Set Attr only accepts string values: %s=%r is a %s" % (key, value, type(value).__name__))
        for key, value in kwargs.items():
            self._set(key, value)

    # -- composing -------------------------------------------------------------------------------------------------

    def __call__(self, *args, **kwargs):
        """A copy in which arguments are replaced by other symbols.

        Parameters
        ----------
        *args : Symbol
            For the arguments in the order of `list_arguments`.
        name : str, optional
            A new name for the node.
        **kwargs : Symbol
            For arguments by name; not together with positional ones.

        Examples
        --------
        >>> import rsym as mx
        >>> a, b = mx.sym.Variable("a"), mx.sym.Variable("b")
        >>> (a + 1)(a=b * 2).list_arguments()
        ['b']
        """
        name = kwargs.pop("name", None)
        if args and kwargs:
            raise TypeError("compose only accept input Symbols either as positional or keyword arguments, not both")
        for value in args + tuple(kwargs.values()):
            if not isinstance(value, Symbol):
                raise TypeError("Compose expect `Symbol` as arguments, got %r" % (value,))
        if args:
            names = self.list_inputs()
            if len(args) > len(names):
                raise MXNetError("%r takes %d arguments (%s), got %d" % (self, len(names), ", ".join(names), len(args)))
            kwargs = dict(zip(names, args))
        return self._compose(name, list(kwargs.items()))

    def __copy__(self):
        return self._copy()

    def __deepcopy__(self, _):
        return self._copy()

    def __reduce__(self):
        return load_json, (self.tojson(),)

    def gradient(self, wrt):
        """A symbol of the gradients of this symbol's outputs, summed, with respect to some arguments.

        Parameters
        ----------
        wrt : list of str
            Names of arguments.

        Returns
        -------
        Symbol
            One output for each name.
        """
        return self._gradient([wrt] if isinstance(wrt, str) else list(wrt))

    grad = gradient

    # -- backends ---------------------------------------------------------------------------------------------------

    def optimize_for(
        self,
        backend,
        args=None,
        aux=None,
        ctx=None,
        shape_dict=None,
        type_dict=None,
        stype_dict=None,
        skip_infer=False,
        **kwargs,
    ):
        """A copy of the symbol: what backends of MXNet rewrite here, the passes of executors do when binding.

        Parameters
        ----------
        backend : str
            ``'MKLDNN'`` or ``'MKLDNN_QUANTIZE'``; for any other there is a warning.
        args, aux, ctx, shape_dict, type_dict, stype_dict, skip_infer, **kwargs
            Taken for compatibility.

        Returns
        -------
        Symbol

        Raises
        ------
        AssertionError
            If `backend` is no text.
        """
        if not isinstance(backend, str):
            raise AssertionError("optimize_for takes the name of a backend, got %r" % (backend,))
        if backend not in _BACKENDS:
            warnings.warn("there is no backend %r: the symbol stays as it is" % backend, stacklevel=2)
        return self._copy()

    def get_backend_symbol(self, backend):
        """A copy of the symbol, as from `optimize_for`.

        Raises
        ------
        MXNetError
            If there is no such backend.
        """
        if backend not in _BACKENDS:
            raise MXNetError("there is no backend %r: use one of %s" % (backend, ", ".join(_BACKENDS)))
        return self._copy()

    # -- inference -------------------------------------------------------------------------------------------------

    def infer_shape(self, *args, **kwargs):
        """The shapes of all arguments, outputs and auxiliary states that follow from those of some arguments.

        Parameters
        ----------
        *args : tuple of int or None
            Shapes in the order of `list_arguments`; None for an unknown one.
        **kwargs : tuple of int
            Shapes by name. A 0 stands for an unknown dimension.

        Returns
        -------
        arg_shapes, out_shapes, aux_shapes : list of tuple of int
            All three are None, with a warning that names what is undecided, if something does not follow.

        Raises
        ------
        MXNetError
            If shapes contradict each other; the node, its operator, the input, expected and got are named.

        Examples
        --------
        >>> import rsym as mx
        >>> fc = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
        >>> fc.infer_shape(data=(2, 4))
        ([(2, 4), (3, 4), (3,)], [(2, 3)], [])
        """
        lists, undecided = self._infer_shape(self._given(args, kwargs, _check_shape), is_np_shape())
        if undecided:
            _warn_undecided("shape", undecided, lists[0], self)
            return None, None, None
        return lists

    def infer_shape_partial(self, *args, **kwargs):
        """As `infer_shape`, but gives what it knows: ``()`` for an unknown shape, 0 for an unknown dimension."""
        return self._infer_shape(self._given(args, kwargs, _check_shape), is_np_shape())[0]

    def infer_type(self, *args, **kwargs):
        """The data types of all arguments, outputs and auxiliary states that follow from those of some arguments.

        Parameters
        ----------
        *args, **kwargs : data type
            As in `infer_shape`, anything that NumPy takes for a data type.

        Returns
        -------
        arg_types, out_types, aux_types : list of type
            All three are None, with a warning, if something does not follow.
        """
        lists, undecided = self._infer_type(self._given(args, kwargs, _type_number), False)
        if undecided:
            _warn_undecided("type", undecided, [], self)
            return None, None, None
        return tuple([_dtypes.from_number(n) for n in part] for part in lists)

    def infer_type_partial(self, *args, **kwargs):
        """As `infer_type`, but gives what it knows: None for an unknown type."""
        lists, _ = self._infer_type(self._given(args, kwargs, _type_number), False)
        return tuple([_dtypes.from_number(n) for n in part] for part in lists)

    def _given(self, args, kwargs, convert):
        """What is given for arguments, as a dict by name or as a list by position; None is nothing."""
        if not args:
            return {k: None if v is None else convert(k, v) for k, v in kwargs.items()}
        if kwargs:
            raise ValueError("Can only specify known argument shapes or types either by positional or kwargs way.")
        names = self.list_arguments()
        if len(args) > len(names):
            raise MXNetError("%d were given, but there are %d arguments: %s" % (len(args), len(names), ", ".join(names)))
        return [None if v is None else convert(k, v) for k, v in zip(names, args)]

    # -- files -----------------------------------------------------------------------------------------------------

    def tojson(self, remove_amp_cast=True):
        """The symbol as JSON text, in the form of MXNet 1.9.1.

        Parameters
        ----------
        remove_amp_cast : bool
            Taken for compatibility; there are no automatic casts to remove.
        """
        text = super().tojson()
        if is_np_shape():
            # What MXNet writes while its NumPy shapes are on; readers use it for nothing but that switch.
            head, tail = text.rsplit('"attrs": {', 1)
            text = head + '"attrs": {\n    "is_np_shape": ["int", 1], \n    ' + tail.rstrip().removesuffix("}\n}") + "\n  }\n}"
        return text

    def save(self, fname, remove_amp_cast=True):
        """Writes the symbol as JSON, in the form of MXNet 1.9.1.

        Parameters
        ----------
        fname : str or path
            A file, written whole or not at all, or an fsspec address such as ``s3://bucket/symbol.json``.
        remove_amp_cast : bool
            Taken for compatibility; there are no automatic casts to remove.
        """
        _files.write_bytes(fname, self.tojson().encode())

    # -- executing -------------------------------------------------------------------------------------------------

    def simple_bind(
        self,
        ctx=None,
        grad_req="write",
        type_dict=None,
        stype_dict=None,
        group2ctx=None,
        shared_arg_names=None,
        shared_exec=None,
        shared_buffer=None,
        memory_budget=None,
        **kwargs,
    ):
        """Infers all shapes, allocates all arrays, filled with zeros, and binds.

        Parameters
        ----------
        ctx : Context, optional
        grad_req : {'write', 'add', 'null'}, or list or dict of these
            What happens to the gradient of each argument.
        type_dict : dict of str to data type, optional
        stype_dict : dict of str to str, optional
            Only ``'default'`` storage is known.
        group2ctx : dict of str to Context, optional
            The device of each ``ctx_group`` of the graph: its operators run there, beside those of other devices.
        shared_arg_names : list of str, optional
            Arguments whose arrays are taken from `shared_exec`.
        shared_exec : Executor, optional
            An executor that does not run at the same time, whose memory is used again.
        shared_buffer : dict of str to NDArray, optional
            Arrays to use by name where they fit; new ones are added.
        memory_budget : int, optional
            The most bytes that intermediate values may take (`MemoryPlan.planned`). Where they would take more, the
            backward pass computes values of the forward pass again instead of having them kept; results have the same
            bits. Does not hold while a monitor is set. Nodes with the attribute ``force_mirroring='True'`` are computed
            again in any case.
        **kwargs : tuple of int
            Shapes by name.

        Returns
        -------
        Executor

        Raises
        ------
        MXNetError
            If shapes or types contradict each other or stay undecided; it names node, operator, expected and got. If
            the memory budget cannot be kept, with the least bytes that can.

        Examples
        --------
        >>> import rsym as mx
        >>> net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
        >>> net.simple_bind(mx.cpu(), data=(1, 3)).arg_dict["fc_weight"].shape
        (2, 3)
        """
        from .._bind import simple_bind

        return simple_bind(
            self,
            ctx or current_context(),
            grad_req,
            type_dict,
            stype_dict,
            group2ctx,
            shared_arg_names,
            shared_exec,
            shared_buffer,
            memory_budget,
            kwargs,
        )

    def bind(self, ctx, args, args_grad=None, grad_req="write", aux_states=None, group2ctx=None, shared_exec=None):
        """Binds to arrays, which are used in place: a value written into one counts at the next forward.

        Parameters
        ----------
        ctx : Context
        args : list of NDArray or dict of str to NDArray
        args_grad : list or dict of NDArray, optional
            Where gradients go; arguments left out have none.
        grad_req : {'write', 'add', 'null'}, or list or dict of these
        aux_states : list or dict of NDArray, optional
        group2ctx : dict of str to Context, optional
        shared_exec : Executor, optional

        Returns
        -------
        Executor

        Raises
        ------
        ValueError
            For an array that is missing.
        MXNetError
            For an array of a wrong shape or type.
        """
        from .._bind import bind

        return bind(self, ctx, args, args_grad, grad_req, aux_states, group2ctx, shared_exec)

    def eval(self, ctx=None, **kwargs):
        """Computes the outputs once.

        Parameters
        ----------
        ctx : Context, optional
        **kwargs : NDArray
            The arguments by name.

        Returns
        -------
        list of NDArray

        Examples
        --------
        >>> import rsym as mx
        >>> x = mx.sym.Variable("x")
        >>> (2 * x).eval(x=mx.nd.array([1, 2]))[0].asnumpy()
        array([2., 4.], dtype=float32)
        """
        return self.bind(ctx or current_context(), kwargs, grad_req="null").forward()

    # -- methods with a turn of their own --------------------------------------------------------------------------

    def astype(self, dtype, **kwargs):
        """The operator `Cast` applied to this symbol."""
        return _op().cast(self, dtype=dtype, **kwargs)

    def reshape(self, *args, **kwargs):
        """The operator `reshape` applied to this symbol; the shape may be given as separate numbers."""
        if args and not isinstance(args[0], (tuple, list, str)):
            return _op().reshape(self, shape=tuple(args), **kwargs)
        return _op().reshape(self, *args, **kwargs)

    def _gen_atomic_symbol(self):
        """This node on variables of its own."""
        return self._atomic()

    def asnumpy(self):
        raise NotImplementedForSymbol(self.asnumpy, None)

    def asscalar(self):
        raise NotImplementedForSymbol(self.asscalar, None)

    def wait_to_read(self):
        raise NotImplementedForSymbol(self.wait_to_read, None)

    def copy(self):
        raise NotImplementedForSymbol(self.copy, None)

    def as_in_context(self):
        raise NotImplementedForSymbol(self.as_in_context, None)

    def detach(self):
        raise NotImplementedForSymbol(self.detach, None)

    def backward(self):
        raise NotImplementedForSymbol(self.backward, None)


def _op():
    from .. import symbol

    return symbol


add_methods(Symbol, _op, skip=("reshape",))


def _check_shape(name, shape):
    if not isinstance(shape, (tuple, list)):
        hint = "; pass its .shape" if hasattr(shape, "shape") else ""
        raise TypeError("Arguments need to be shapes (tuple), but '%s' is %s%s" % (name, type(shape), hint))
    for size in shape:
        if not isinstance(size, numbers.Integral):
            raise TypeError("the shape of '%s' must hold whole numbers, got %r; 0 stands for unknown" % (name, tuple(shape)))
    return tuple(int(size) for size in shape)


def _type_number(name, dtype):
    try:
        return _dtypes.to_number(dtype)
    except DTypeError as error:
        raise DTypeError("the type of '%s': %s" % (name, error)) from None


def _warn_undecided(what, names, shapes, symbol):
    shown = names[:10] + (["and %d more" % (len(names) - 10)] if len(names) > 10 else [])
    known = dict(zip(symbol.list_arguments(), shapes))
    parts = ["%s: %s" % (n, known[n]) if known.get(n) else n for n in shown]
    warnings.warn(
        "Cannot decide the %s of: %s (0 and () are unknown). Give the %s of more arguments." % (what, ", ".join(parts), what),
        stacklevel=3,
    )


def var(
    name, attr=None, shape=None, lr_mult=None, wd_mult=None, dtype=None, init=None, stype=None, profiler_scope=None, **kwargs
):
    """A variable: a named place for an array.

    Parameters
    ----------
    name : str
    attr : dict of str to str, optional
        Attributes of the user's own.
    shape : tuple of int, optional
        Takes part in shape inference; 0 is unknown.
    lr_mult, wd_mult : float, optional
        Multipliers of learning rate and weight decay, read by optimizers.
    dtype : data type, optional
        Takes part in type inference.
    init : Initializer or str, optional
        How training initialises the array.
    stype : str, optional
        Storage type; only ``'default'`` is known.
    **kwargs : str
        More attributes, of the form ``__key__``.

    Returns
    -------
    Symbol

    Raises
    ------
    TypeError
        If the name is not text.
    ValueError
        For an attribute that is not text, or a keyword not of the form ``__key__``.

    Examples
    --------
    >>> import rsym as mx
    >>> mx.sym.Variable("data", shape=(2, 3)).list_attr()
    {'__shape__': '(2, 3)'}
    """
    if not isinstance(name, str):
        raise TypeError("Expect a string for variable `name`, got %r" % (name,))
    attrs = dict(attribute.merge(attr) or {})
    if shape is not None:
        attrs["__shape__"] = _shape_text(name, shape)
    if lr_mult is not None:
        attrs["__lr_mult__"] = str(lr_mult)
    if wd_mult is not None:
        attrs["__wd_mult__"] = str(wd_mult)
    if dtype is not None:
        attrs["__dtype__"] = str(_dtypes.to_number(dtype))
    if init is not None:
        attrs["__init__"] = init if isinstance(init, str) else init.dumps()
    if stype is not None:
        attrs["__storage_type__"] = str(_storage_number(name, stype))
    if profiler_scope is not None:
        attrs["__profiler_scope__"] = profiler_scope
    for key, value in kwargs.items():
        if not (key.startswith("__") and key.endswith("__")):
            raise ValueError(
                "Attribute name=%s is not supported. Additional attributes must start and end with double "
                "underscores, e.g, __yourattr__; others go into attr={...}" % key
            )
        attrs[key] = str(value)
    return _rsym.variable(name, attrs or None)


Variable = var


def _shape_text(name, shape):
    sizes = _check_shape(name, (shape,) if isinstance(shape, numbers.Integral) else shape)
    return str(list(sizes) if isinstance(shape, list) else sizes)


def _storage_number(name, stype):
    if stype in ("default", 0):
        return 0
    raise ValueError("variable '%s': storage type %r is not supported; rsym stores arrays densely: 'default'" % (name, stype))


def Group(symbols, create_fn=None):
    """One symbol with all outputs of several.

    Parameters
    ----------
    symbols : list of Symbol

    Examples
    --------
    >>> import rsym as mx
    >>> mx.sym.Group([mx.sym.Variable("a"), mx.sym.Variable("b")]).list_outputs()
    ['a', 'b']
    """
    symbols = list(symbols)
    if not symbols or any(not isinstance(s, Symbol) for s in symbols):
        raise TypeError("Expected a list of symbols as input, got %r" % (symbols,))
    return _rsym.group(symbols)


def load_json(json_str):
    """The symbol in a JSON text, of any version of MXNet.

    Raises
    ------
    TypeError
        If it is not text.
    MXNetError
        If the text is not a symbol; it says what it is instead.
    """
    if not isinstance(json_str, str):
        raise TypeError("fname required to be string")
    symbol, notes = _rsym.load_json(json_str)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return symbol


def load(fname):
    """The symbol in a JSON file, of any version of MXNet.

    Parameters
    ----------
    fname : str or path
        A file, or an fsspec address such as ``s3://bucket/symbol.json``.
    """
    if isinstance(fname, (bytes, bytearray)) or not (isinstance(fname, str) or hasattr(fname, "__fspath__")):
        raise TypeError("fname need to be string, got %r" % (fname,))
    data = _files.read_bytes(fname)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise MXNetError(
            "%s is not a symbol file: it holds bytes that are no text at byte %d; a file of arrays "
            "is read with nd.load" % (fname, error.start)
        ) from None
    return load_json(text)
